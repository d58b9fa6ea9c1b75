using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Two instances of Orders, a worker, and a <see cref="Tap"/>.</summary>
public sealed class TwoReplicas(ServersOnly servers) : IAsyncLifetime
{
    private OwnDatabase notified = null!;
    private int killed;

    public GoReliablePlatform Platform => servers.Platform;

    internal OwnDatabase Database { get; private set; } = null!;

    internal ServiceProcess[] Orders { get; private set; } = [];

    internal ServiceProcess Worker { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await Tap.OpenAsync(Platform);
        Database = await OwnDatabase.CreateAsync(Platform, "Orders");
        notified = await OwnDatabase.CreateAsync(Platform, "Notifications");
        Orders = await Task.WhenAll(StartOrdersAsync(), StartOrdersAsync());
        Worker = await StartAsync("Notifications", notified);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await UntilIdleAsync();
        }
        finally
        {
            foreach (var process in Orders.Append(Worker))
                await process.DisposeAsync();
            await Tap.CloseAsync(Platform);
        }
        await Database.DisposeAsync();
        await notified.DisposeAsync();
    }

    // What a killed worker has not acknowledged would go to the next test's.
    private Task<bool> UntilIdleAsync() =>
        Poll.UntilAsync(
            "a worker with nothing to do",
            async () =>
                await Database.ScalarAsync<long>("SELECT coalesce(sum(version), 0) FROM orders")
                    == await notified.ScalarAsync<long>("SELECT count(*) FROM notifications")
                && (await Exposition.ScrapeAsync(Worker.Management)).Sum(
                    "goreliable_notification_worker_messages_in_flight"
                ) == 0,
            isIdle => isIdle
        );

    /// <summary>A customer's client of one of them.</summary>
    internal static HttpClient Client(string customer, ServiceProcess of) =>
        new()
        {
            BaseAddress = of.Client.BaseAddress,
            DefaultRequestHeaders = { Authorization = GatewayProcess.Tokens.Bearer(customer) },
        };

    /// <summary>Ends, without a word (SIGKILL), the one of the two that publishes now.</summary>
    internal async Task KillRelayAsync()
    {
        var before = await Task.WhenAll(Orders.Select(PublishedAsync));
        killed = await Poll.UntilAsync(
            "a relay that publishes",
            async () =>
                (await Task.WhenAll(Orders.Select(PublishedAsync)))
                    .Zip(before, (now, then) => now > then)
                    .ToList()
                    .IndexOf(true),
            found => found >= 0
        );
        await Orders[killed].DisposeAsync();
    }

    internal async Task ReplaceKilledAsync() => Orders[killed] = await StartOrdersAsync();

    private static async Task<double> PublishedAsync(ServiceProcess orders) =>
        (await Exposition.ScrapeAsync(orders.Management)).Sum(
            "goreliable_order_service_outbox_messages_published_total"
        );

    private Task<ServiceProcess> StartOrdersAsync() => StartAsync("Orders", Database);

    private async Task<ServiceProcess> StartAsync(string service, OwnDatabase database)
    {
        var process = await ServiceProcess.StartAsync(
            service,
            [
                .. GatewayProcess.WithSigningKey,
                ($"ConnectionStrings__{service.ToLowerInvariant()}-db", database.ConnectionString),
                ("ConnectionStrings__messaging", await Platform.ConnectionStringAsync("messaging")),
            ]
        );
        await process.WaitUntilReadyAsync();
        return process;
    }
}
