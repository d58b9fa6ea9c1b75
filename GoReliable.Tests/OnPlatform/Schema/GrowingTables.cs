using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>Both services' databases, with fifty thousand rows in each table that grows.</summary>
public sealed class GrowingTables(ServersOnly shared) : IAsyncLifetime
{
    private const int Rows = 50_000;
    private const string OneEachSecond = "now() - interval '1 second' * n";

    internal OwnDatabase Orders { get; private set; } = null!;

    internal OwnDatabase Notifications { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Notifications = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        foreach (var table in new[] { "inbox", "notifications", "dead_letters" })
            await Notifications.FillAsync(table, OneEachSecond, Rows);
        await Notifications.ExecuteAsync(
            "INSERT INTO leases SELECT gen_random_uuid(), gen_random_uuid(), now() "
                + $"FROM generate_series(1, {Rows}); ANALYZE leases"
        );

        Orders = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        foreach (var table in new[] { "idempotency_keys", "orders" })
            await Orders.FillAsync(table, OneEachSecond, Rows);
        await Orders.ExecuteAsync(
            "INSERT INTO outbox (event_id, order_id, type, body, created_at) "
                + "SELECT gen_random_uuid(), gen_random_uuid(), 'order.created', '', now() "
                + $"FROM generate_series(1, {Rows})"
        );
        await Orders.ExecuteAsync("VACUUM ANALYZE outbox");
    }

    public async ValueTask DisposeAsync()
    {
        await Orders.DisposeAsync();
        await Notifications.DisposeAsync();
    }
}
