using GoReliable.Database;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// Statements that change orders, each a commit of its own. A commit counts when the synchronous standby has it too, if
/// there is one (<see cref="StandbyWatch"/>).
/// </summary>
internal static class ChangeCommand
{
    // A row lock is a write. So this commit waits until the standby has everything that was committed before it.
    private const string LockOrder = """
        -- wait for standby
        SELECT FROM orders WHERE id = $1 FOR KEY SHARE
        """;

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
}
