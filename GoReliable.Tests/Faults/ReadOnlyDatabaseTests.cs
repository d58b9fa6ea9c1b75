using Npgsql;

namespace GoReliable.Tests.Faults;

/// <summary>
/// Databases that take no changes, as after a failover to a standby, or at providers when the disk is nearly full. No
/// driver calls that transient; no message and no order is to blame for it all the same.
/// </summary>
[Collection(FaultyPlatformTests.Name)]
public sealed class ReadOnlyDatabaseTests(FaultyPlatform faulty)
{
    private static readonly string[] Databases = ["orders-db", "notifications-db"];

    [Fact]
    public async Task While_the_databases_are_read_only_nothing_is_given_up_and_nothing_lost()
    {
        var begun = DateTimeOffset.UtcNow;

        await faulty.SurviveAsync(new Fault("databases read-only", _ => SetAsync("on"), _ => SetAsync("off")), "read-only");

        Assert.DoesNotContain(faulty.Platform.Telemetry.Logs(), log => log.Time > begun && log.EventName is "consumer.batch_failed" or "notification.dead_lettered");
    }

    // For sessions that begin from now on; so the present ones are ended.
    private async Task SetAsync(string value)
    {
        var server = new NpgsqlConnectionStringBuilder(await faulty.Platform.ConnectionStringAsync("orders-db")) { Database = "postgres" };
        await using var source = NpgsqlDataSource.Create(server);
        foreach (var database in Databases)
            await ExecuteAsync(source, $"ALTER DATABASE \"{database}\" SET default_transaction_read_only = {value}");
        await ExecuteAsync(source, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('orders-db', 'notifications-db')");
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
