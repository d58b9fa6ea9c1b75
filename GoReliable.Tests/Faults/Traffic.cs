using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Faults;

/// <summary>A customer that keeps ordering while things break, and remembers what was promised to it.</summary>
internal sealed class Traffic : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly HttpClient client;
    private readonly Task[] workers;

    private Traffic(HttpClient client, int workers)
    {
        this.client = client;
        this.workers = [.. Enumerable.Range(0, workers).Select(_ => Task.Run(OrderAsync))];
    }

    /// <summary>Orders that were answered with 201.</summary>
    public ConcurrentQueue<Guid> Accepted { get; } = [];

    /// <summary>Starts ordering.</summary>
    public static Traffic Start(GoReliablePlatform platform, string customer, int workers = 4) => new(platform.Client(customer), workers);

    /// <summary>Waits until that many more orders were accepted.</summary>
    public Task MoreAsync(int count)
    {
        var target = Accepted.Count + count;
        return Eventually.SeeAsync($"{target} accepted orders", () => Task.FromResult(Accepted.Count), accepted => accepted >= target);
    }

    /// <summary>Stops ordering, and waits for the answers that are still on their way.</summary>
    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(workers);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        client.Dispose();
        stop.Dispose();
    }

    private async Task OrderAsync()
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!stop.IsCancellationRequested)
        {
            // What is restarting needs the processor more than somebody who is refused.
            if (!await TryOrderAsync())
                await pause.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private async Task<bool> TryOrderAsync()
    {
        try
        {
            using var response = await client.PostAsJsonAsync(OrdersClient.Orders, OrdersClient.Body());
            if (response.StatusCode != HttpStatusCode.Created)
                return false;
            Accepted.Enqueue((await response.JsonAsync()).GetProperty("id").GetGuid());
            return true;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            // No answer: the order may exist or not, nothing was promised.
            return false;
        }
    }
}
