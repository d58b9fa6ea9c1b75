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

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Task.WhenAll(workers);
        client.Dispose();
        stop.Dispose();
    }

    private async Task OrderAsync()
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var response = await client.PostAsJsonAsync(OrdersClient.Orders, OrdersClient.Body());
                if (response.StatusCode == HttpStatusCode.Created)
                    Accepted.Enqueue((await response.JsonAsync()).GetProperty("id").GetGuid());
            }
            catch (HttpRequestException)
            {
                // No answer: the order may exist or not, nothing was promised.
            }
        }
    }
}
