using System.Collections.Concurrent;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>Somebody who keeps calling, never twice for the same thing, and notes every call that failed.</summary>
internal sealed class Callers : IAsyncDisposable
{
    // Each request costs the machine on which services start meanwhile.
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource stop = new();
    private readonly Func<Task<HttpResponseMessage>> call;
    private readonly Task[] callers;
    private int succeeded;

    /// <param name="call">One call; an exception or an answer that is no success is a failure.</param>
    public Callers(Func<Task<HttpResponseMessage>> call)
    {
        this.call = call;
        callers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(CallAsync))];
    }

    /// <summary>Calls that were answered as they should be.</summary>
    public int Succeeded => succeeded;

    /// <summary>What became of the others.</summary>
    public ConcurrentQueue<string> Failures { get; } = [];

    /// <summary>Ends, and waits for the answers that are still on their way.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(callers);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stop.Dispose();
    }

    private async Task CallAsync()
    {
        using var pace = new PeriodicTimer(Pace);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var answer = await call();
                if (answer.IsSuccessStatusCode)
                    Interlocked.Increment(ref succeeded);
                else
                    Failures.Enqueue(
                        $"{DateTime.UtcNow:O} {answer.RequestMessage!.Method} {answer.RequestMessage.RequestUri}: "
                            + $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}"
                    );
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                Failures.Enqueue($"{DateTime.UtcNow:O} {exception.Message} {exception.InnerException?.Message}");
            }
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
