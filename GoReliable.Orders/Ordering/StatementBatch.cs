using System.Data;
using System.Diagnostics;
using GoReliable.Database;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>Statements that are executed in one round trip and one transaction.</summary>
internal static class StatementBatch
{
    /// <summary>Executes them, and tells each how it ended. Throws nothing.</summary>
    /// <returns>Whether all succeeded in one round trip.</returns>
    public static async Task<bool> ExecuteAsync(
        NpgsqlDataSource database,
        NpgsqlConnection connection,
        IReadOnlyCollection<BatchedStatement> all
    )
    {
        try
        {
            await TryExecuteAsync(connection, all);
            foreach (var statement in all)
                statement.Succeed();
            return true;
        }
        catch (PostgresException exception) when (all.Count > 1 && IsAboutOneRow(exception))
        {
            foreach (var statement in all)
            {
                if (connection.State == ConnectionState.Open)
                    await ExecuteAsync(database, connection, [statement]);
                else
                    statement.Refuse(new NpgsqlException("The connection broke off before this statement", exception));
            }
            return false;
        }
        catch (Exception exception)
        {
            // Now: the next batch would be executed by the same server.
            database.LeaveReadOnlyServer(exception);
            foreach (var statement in all)
                statement.Fail(exception);
            return false;
        }
    }

    // A value that the server does not take, a constraint, a limit, or a row that it cannot read: the other statements
    // are not to blame.
    private static bool IsAboutOneRow(PostgresException exception) =>
        exception is { InvariantSeverity: "ERROR", SqlState: var state } && state[..2] is "22" or "23" or "54" or "XX";

    private static async Task TryExecuteAsync(NpgsqlConnection connection, IReadOnlyCollection<BatchedStatement> all)
    {
        // Without a BEGIN, the statements of a batch are one transaction.
        await using var batch = new NpgsqlBatch(connection);
        // Npgsql's span is in the trace of the first request that has one; the others have a link to it.
        Activity.Current = null;
        foreach (var statement in all)
        {
            batch.BatchCommands.Add(statement.Command);
            if (statement.Activity is not { Recorded: true } activity)
                continue;
            if (Activity.Current is { } first)
                activity.AddLink(new ActivityLink(first.Context));
            else
                Activity.Current = activity;
        }
        var standby = new StandbyWatch(connection);
        await using var reader = await batch.ExecuteReaderAsync();
        foreach (var statement in all)
            await statement.ReadAsync(reader);
        // The commit comes after the rows. A reader that is only disposed of hides that it timed out.
        while (await reader.NextResultAsync()) { }
        standby.ThrowIfMissing();
    }
}
