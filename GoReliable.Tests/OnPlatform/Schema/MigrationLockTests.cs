using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>A script that has to wait for a table does not hold up those who use it.</summary>
[Collection(ServersOnly.Name)]
public sealed class MigrationLockTests(ServersOnly shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_script_that_waits_for_a_table_gives_up_soon_and_is_tried_again()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        // As before the script 0005, which changes a table that every request with a key uses.
        await database.ExecuteAsync(
            "ALTER TABLE idempotency_keys DROP COLUMN status, DROP COLUMN updated_at, DROP COLUMN version; "
                + "DELETE FROM schemaversions WHERE scriptname LIKE '%0005%'"
        );
        // As a backup does for hours.
        await using var backup = await database.Source.OpenConnectionAsync(Cancel);
        await using var transaction = await backup.BeginTransactionAsync(Cancel);
        await using (var read = new NpgsqlCommand("SELECT count(*) FROM idempotency_keys", backup, transaction))
            await read.ExecuteScalarAsync(Cancel);
        await using var replica = new Replica(database.ConnectionString, Replica.Orders);

        var upgrading = replica.UpgradeAsync();
        await Poll.UntilAsync(
            "a script that waits for the table",
            () =>
                database.ScalarAsync<bool>(
                    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' "
                        + "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
                ),
            waits => waits
        );
        // Waits behind the script, and has the time of a request.
        await using var request = database.Source.CreateCommand("SELECT count(*) FROM idempotency_keys");
        request.CommandTimeout = 5;
        Assert.Equal(0L, await request.ExecuteScalarAsync(Cancel));
        await transaction.RollbackAsync(Cancel);

        await upgrading;
        Assert.Equal(
            1,
            await database.ScalarAsync<long>("SELECT count(*) FROM schemaversions WHERE scriptname LIKE '%0005%'")
        );
    }
}
