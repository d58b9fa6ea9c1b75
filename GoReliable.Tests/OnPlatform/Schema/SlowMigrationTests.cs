using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>A migration takes the time that its scripts need, and keeps the others out meanwhile.</summary>
[Collection(ServersOnly.Name)]
public sealed class SlowMigrationTests(ServersOnly shared)
{
    [Fact]
    public async Task The_lock_is_held_for_as_long_as_a_script_takes()
    {
        var database = await EmptyDatabase.CreateAsync(shared.Platform);
        await using var source = NpgsqlDataSource.Create(database);
        await using var blocker = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await blocker.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var block = new NpgsqlCommand("CREATE TABLE inbox ()", blocker, transaction);
        await block.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        // The server ends a session that sits in a transaction after a second, instead of the usual minute.
        const string Options = "-c idle_in_transaction_session_timeout=1s -c lock_timeout=1min";
        var first = Migration.RunAsync(
            "Notifications",
            new NpgsqlConnectionStringBuilder(database)
            {
                Options = Options,
                ApplicationName = "first",
            }.ConnectionString
        );
        await Poll.UntilAsync(
            "a statement that has waited for longer than one of a request may",
            () => WaitingAsync(source),
            waiting => waiting > TimeSpan.FromSeconds(7)
        );
        var second = Migration.RunAsync(
            "Notifications",
            new NpgsqlConnectionStringBuilder(database)
            {
                Options = Options,
                ApplicationName = "second",
            }.ConnectionString
        );
        var doing = await Poll.UntilAsync(
            "the second one, which has asked for the lock",
            () => SecondAsync(source),
            state => state is not null
        );
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);

        Assert.Equal("refused", doing);
        var both = await Task.WhenAll(first, second);
        Assert.Equal([0, Migration.Scripts("Notifications")], both.Select(migration => migration.Applied()).Order());
        Assert.Empty(both.SelectMany(migration => migration.Events("schema.failed")));
    }

    private static Task<TimeSpan> WaitingAsync(NpgsqlDataSource source) =>
        source.ScalarAsync<TimeSpan>(
            "SELECT coalesce(max(now() - query_start), interval '0') "
                + "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        );

    // What became of the second one's first attempt.
    private static async Task<string?> SecondAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand(
            """
            SELECT CASE WHEN wait_event_type = 'Lock' THEN 'runs a script'
                WHEN state = 'idle' AND query LIKE '%pg_try_advisory%' THEN 'refused' END
            FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'second'
            ORDER BY 1 DESC NULLS LAST LIMIT 1
            """
        );
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) as string;
    }
}
