using System.Data.Common;
using GoReliable.Database;
using GoReliable.ServiceDefaults.Problems;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// Statements that change orders, each a commit of its own. A commit counts when the synchronous standby has it too, if
/// there is one: when a statement is cancelled while it waits for the standby, PostgreSQL only warns and reports
/// success.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION-HA</remarks>
internal static class ChangeCommand
{
    // A row lock is a write. So this commit waits until the standby has everything that was committed before it.
    private const string LockOrder = """
        -- wait for standby
        SELECT FROM orders WHERE id = $1 FOR KEY SHARE
        """;

    /// <summary>Runs a change that a client must not repeat blindly.</summary>
    /// <returns>The number of rows.</returns>
    /// <exception cref="PostgresException">The server refused: nothing is changed.</exception>
    /// <exception cref="OutcomeUnknownException">
    /// It did not answer, or crashed at the commit: something may be changed.
    /// </exception>
    public static async Task<int> ExecuteChangeAsync(this NpgsqlCommand command)
    {
        try
        {
            var standby = new StandbyWatch(command.Connection!);
            var rows = await command.ExecuteNonQueryAsync(CancellationToken.None);
            standby.ThrowIfMissing();
            return rows;
        }
        // A server that panics, for example because it cannot write its log, may have written the commit.
        catch (DbException exception) when (exception is not PostgresException { InvariantSeverity: not "PANIC" })
        {
            throw new OutcomeUnknownException(exception);
        }
    }

    /// <summary>Runs a change that a client may repeat, and reads its only row.</summary>
    /// <exception cref="NpgsqlException">It may or may not be made.</exception>
    public static async Task<T> ReadChangeAsync<T>(this NpgsqlCommand command, Func<NpgsqlDataReader, T> read)
    {
        var standby = new StandbyWatch(command.Connection!);
        await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
        await row.ReadAsync(CancellationToken.None);
        var result = read(row);
        // The commit comes after the row. A reader that is only disposed of hides that it timed out.
        await row.NextResultAsync(CancellationToken.None);
        standby.ThrowIfMissing();
        return result;
    }

    /// <summary>
    /// Returns when the standby has an order as it is now, before it is said again that the order is stored.
    /// </summary>
    /// <exception cref="NpgsqlException">The standby does not have it yet.</exception>
    public static async Task WaitForStandbyAsync(this NpgsqlDataSource database, Telemetry telemetry, Guid order)
    {
        using var query = telemetry.Query("wait_for_standby");
        await using var connection = await database.OpenConnectionAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand(LockOrder, connection);
        command.Parameters.AddValue(order);
        var standby = new StandbyWatch(connection);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
        standby.ThrowIfMissing();
        query.Succeeded();
    }

    private sealed class StandbyWatch
    {
        private bool isMissing;

        // The warning has no code of its own, and its text has the server's language.
        public StandbyWatch(NpgsqlConnection connection) =>
            connection.Notice += (_, warning) => isMissing |= warning.Notice.Routine == "SyncRepWaitForLSN";

        public void ThrowIfMissing()
        {
            if (isMissing)
                throw new NpgsqlException(
                    "No synchronous standby has confirmed the commit in time",
                    new TimeoutException()
                );
        }
    }
}
