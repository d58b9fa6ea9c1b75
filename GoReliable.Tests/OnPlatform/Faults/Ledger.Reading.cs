using GoReliable.Messaging;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Reads all its sides, when nothing is on its way any more.</summary>
internal sealed partial class Ledger
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // The worker's, with its default delays.
    private static readonly string[] Queues =
    [
        "notifications",
        .. new[] { 1, 10, 60 }.Select(seconds => OrderTopology.RetryQueue(TimeSpan.FromSeconds(seconds))),
    ];

    private const string UnderWay = """
        SELECT (SELECT count(*) FROM leases WHERE until > now()) + (SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend'
                AND xact_start IS NOT NULL AND pid <> pg_backend_pid())
        """;

    /// <summary>Waits until all is told, and reads.</summary>
    public static async Task<Ledger> CloseAsync(FaultyPlatform faulty, Load load)
    {
        var platform = faulty.Platform;
        await using var orders = await platform.DatabaseAsync("orders-db");
        await using var notifications = await platform.DatabaseAsync("notifications-db");

        await Poll.UntilAsync(
            "an empty outbox",
            () => CountAsync(orders, "SELECT count(*) FROM outbox"),
            pending => pending == 0,
            Patience
        );
        var stored = await ReadAsync(
            orders,
            "SELECT id, items->0->>'sku', status FROM orders WHERE customer_id = ANY ($1)",
            load.Names,
            row => new StoredOrder(row.GetGuid(0), row.GetString(1), row.GetString(2) == "confirmed")
        );
        var owed = stored.Count + stored.Count(order => order.IsConfirmed);
        await Poll.UntilAsync(
            $"{owed} notifications",
            () =>
                CountAsync(
                    notifications,
                    "SELECT count(*) FROM notifications WHERE customer_id = ANY ($1)",
                    load.Names
                ),
            sent => sent >= owed,
            Patience
        );
        await NothingWaitsAsync(platform, notifications);
        var notified = await ReadAsync(
            notifications,
            "SELECT order_id, event_type, event_id, channel FROM notifications WHERE customer_id = ANY ($1)",
            load.Names,
            row =>
                (
                    new Notified(row.GetGuid(0), row.GetString(1)),
                    row.GetString(3) == "email" ? row.GetGuid(2) : (Guid?)null
                )
        );
        return new Ledger(
            load,
            stored,
            notified,
            await Tap.EmptyAsync(platform),
            [.. faulty.Mail.Received.Select(mail => mail.Event)]
        );
    }

    // Or a second e-mail might still come. A delivery that is under way has a lease, or a transaction.
    private static async Task NothingWaitsAsync(GoReliablePlatform platform, NpgsqlDataSource notifications)
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        await Poll.UntilAsync(
            "empty queues",
            async () =>
            {
                var waiting = 0L;
                foreach (var queue in Queues)
                    waiting += (
                        await channel.QueueDeclarePassiveAsync(queue, TestContext.Current.CancellationToken)
                    ).MessageCount;
                return waiting;
            },
            waiting => waiting == 0,
            Patience
        );
        await Poll.UntilAsync(
            "no delivery under way",
            () => CountAsync(notifications, UnderWay),
            deliveries => deliveries == 0,
            Patience
        );
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, string sql, string[]? customers = null)
    {
        await using var command = database.CreateCommand(sql);
        if (customers is not null)
            command.Parameters.AddWithValue(customers);
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    private static async Task<List<T>> ReadAsync<T>(
        NpgsqlDataSource database,
        string sql,
        string[] customers,
        Func<NpgsqlDataReader, T> read
    )
    {
        var rows = new List<T>();
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddWithValue(customers);
        await using var row = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await row.ReadAsync(TestContext.Current.CancellationToken))
            rows.Add(read(row));
        return rows;
    }
}
