using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>Requests of one customer, all of them known, and what the services had counted before them.</summary>
public sealed class KnownTraffic(SharedPlatform shared) : IAsyncLifetime
{
    private const string Body = """{"currency":"CHF","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";

    public GoReliablePlatform Platform { get; } = shared.Platform;

    /// <summary>The scrape of each service.</summary>
    internal Dictionary<string, Exposition> Before { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        using var alice = Platform.Client($"alice-{Guid.NewGuid():N}");
        // What earlier tests left on its way would be counted with ours.
        await Platform.UntilQuietAsync();
        Before = await Platform.ScrapeAsync();

        var orders = new List<Guid>();
        for (var i = 0; i < 5; i++)
            orders.Add((await (await alice.PostRawAsync(Body)).ReadAsync<OrderAnswer>()).Id);
        await alice.PostRawAsync(Body, idempotencyKey: "k");
        await alice.PostRawAsync(Body, idempotencyKey: "k");
        await alice.PostRawAsync("{");
        await alice.ChangeStatusAsync(orders[0], "confirm");
        await alice.ChangeStatusAsync(orders[0], "cancel");
        await alice.ChangeStatusAsync(orders[0], "confirm");
        await alice.OrderAsync(orders[1]);
        await alice.WaitForNotificationsAsync(orders[0], 3);
        await alice.WaitForNotificationsAsync(orders[4]);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
