using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;

namespace GoReliable.Tests.OnPlatform.Gateway;

/// <summary>
/// Callers who call again as soon as they are answered; when they are refused, after half a second, which is sooner
/// than they are told.
/// </summary>
internal sealed class Crowd(HttpClient client, string path)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Calls for a while.</summary>
    /// <returns>
    /// How long each took that was answered with 200; and of the others the status, and when they should come again.
    /// </returns>
    public async Task<(
        IReadOnlyCollection<TimeSpan> Served,
        IReadOnlyCollection<(HttpStatusCode Status, TimeSpan? RetryAfter)> Refused
    )> CallAsync(int callers, TimeSpan time)
    {
        using var over = new CancellationTokenSource(time);
        var (served, refused) = (new ConcurrentBag<TimeSpan>(), new ConcurrentBag<(HttpStatusCode, TimeSpan?)>());
        await Task.WhenAll(
            Enumerable.Range(0, callers).Select(_ => Task.Run(() => CallAsync(served, refused, over.Token)))
        );
        return (served, refused);
    }

    private async Task CallAsync(
        ConcurrentBag<TimeSpan> served,
        ConcurrentBag<(HttpStatusCode, TimeSpan?)> refused,
        CancellationToken over
    )
    {
        // Not all in the same moment.
        await PauseAsync(Pause * Math.Max(0.01, Random.Shared.NextDouble()));
        while (!over.IsCancellationRequested)
        {
            var began = Stopwatch.GetTimestamp();
            using var answer = await client.GetAsync(path, TestContext.Current.CancellationToken);
            if (answer.StatusCode == HttpStatusCode.OK)
            {
                served.Add(Stopwatch.GetElapsedTime(began));
                continue;
            }
            refused.Add((answer.StatusCode, answer.Headers.RetryAfter?.Delta));
            await PauseAsync(Pause);
        }
    }

    private static async Task PauseAsync(TimeSpan time)
    {
        using var pause = new PeriodicTimer(time);
        await pause.WaitForNextTickAsync(TestContext.Current.CancellationToken);
    }
}
