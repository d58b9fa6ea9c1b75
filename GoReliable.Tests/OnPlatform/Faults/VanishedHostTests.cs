using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// How long PostgreSQL keeps the resources of vanished clients. A soak waits for it; this test checks the settings.
/// </summary>
[Collection(SharedPlatform.Name)]
public sealed class VanishedHostTests(SharedPlatform shared)
{
    [Fact]
    public async Task The_server_is_told_to_give_up_vanished_clients_within_a_minute()
    {
        await using var relay = OutboxDataSource.Create(await shared.Platform.ConnectionStringAsync("orders-db"));
        await using var ask = relay.CreateCommand(
            """
            SELECT current_setting(name) FROM unnest(ARRAY
                ['idle_session_timeout', 'idle_in_transaction_session_timeout',
                'tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count']) AS name
            """
        );
        await using var row = await ask.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var told = new List<string>();
        while (await row.ReadAsync(TestContext.Current.CancellationToken))
            told.Add(row.GetString(0));

        // TCP keep-alive: 30 s idle, then three probes at intervals of 10 s.
        Assert.Equal(["30s", "1min", "30", "10", "3"], told);
    }

    [Fact]
    public async Task The_server_has_room_for_vanished_hosts_and_their_replacements()
    {
        await using var database = await shared.Platform.DatabaseAsync("orders-db");
        var places = await database.ScalarAsync<int>(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        );

        const int relay = 1; // its connection is in no pool
        var platform = await PoolAsync("orders") + relay + await PoolAsync("notifications");

        Assert.True(2 * platform <= places, $"Twice {platform} connections do not fit into {places}.");
    }

    private async Task<int> PoolAsync(string service)
    {
        using var management = shared.Platform.Management(service);
        var size = (int)
            (await Exposition.ScrapeAsync(management)).Sum(
                "db_client_connection_max",
                ("db_client_connection_pool_name", $"{service}-db")
            );
        Assert.InRange(size, 1, 100);
        return size;
    }
}
