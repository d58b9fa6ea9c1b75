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
        await using var first = Start(database);
        await using var second = Start(database);

        var upgrading = first.UpgradeAsync();
        await Poll.UntilAsync(
            "a statement that has waited for longer than one of a request may",
            () =>
                source.ScalarAsync<TimeSpan>(
                    "SELECT coalesce(max(now() - query_start), interval '0') "
                        + "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                ),
            waiting => waiting > TimeSpan.FromSeconds(3)
        );
        var waiting = second.UpgradeAsync();
        await Poll.UntilAsync(
            "the second one refused",
            () => Task.FromResult(second.Schema.NotReadyBecause),
            reason => reason == "Another replica is upgrading the schema."
        );
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        await Task.WhenAll(upgrading, waiting);

        // Neither tried a script again, or one that the other had run.
        Assert.Equal(["schema.upgraded"], first.Events);
        Assert.Equal(["schema.upgraded"], second.Events);
    }

    // The server ends a session that sits in a transaction after a second instead of the usual minute, and a statement
    // of a request has two instead of five.
    private static Replica Start(string database) =>
        new(
            new NpgsqlConnectionStringBuilder(database)
            {
                Options = "-c idle_in_transaction_session_timeout=1s -c lock_timeout=1min",
                CommandTimeout = 2,
            }.ConnectionString,
            Replica.Notifications
        );
}
