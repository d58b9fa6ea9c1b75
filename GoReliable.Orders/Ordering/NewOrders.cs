using System.Diagnostics;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// Stores new orders in one round trip and one commit each, or several together: <b>orders that come while others are
/// being stored wait for those, and then share a round trip and a commit.</b> So one order alone never waits, and under
/// load an order costs PostgreSQL half.
/// </summary>
internal sealed class NewOrders(NpgsqlDataSource database)
{
    // The second goes on while the first waits for a slow disk or for a connection that is dead.
    private const int MaxRunning = 2;

    // Few enough that the first one does not wait noticeably for the last.
    private const int MaxBatch = 50;

    private readonly Queue<InsertOrder> waiting = new();
    private int running;

    /// <summary>Stores an order.</summary>
    /// <param name="insert">Its statement.</param>
    /// <param name="aborted">
    /// The client has gone. This ends the wait, and nothing is stored; a statement that has been sent is not cancelled,
    /// because then nobody would know whether it was executed.
    /// </param>
    /// <exception cref="OperationCanceledException">The client has gone, and nothing is stored.</exception>
    public async Task<InsertOutcome> StoreAsync(InsertOrder insert, CancellationToken aborted)
    {
        bool isIdle;
        lock (waiting)
        {
            waiting.Enqueue(insert);
            isIdle = running < MaxRunning;
            if (isIdle)
                running++;
        }
        if (isIdle)
            _ = RunAsync();
        await using (aborted.UnsafeRegister(static insert => ((InsertOrder)insert!).Leave(), insert))
            return await insert.Completion;
    }

    private async Task RunAsync()
    {
        do await StoreWaitingAsync();
        while (HasMore());
    }

    private bool HasMore()
    {
        lock (waiting)
        {
            if (waiting.Count == 0)
                running--;
            return waiting.Count > 0;
        }
    }

    private async Task StoreWaitingAsync()
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync();
            await StoreAsync(connection, Take(MaxBatch));
        }
        catch (Exception exception)
        {
            // They all wait for the same database.
            foreach (var insert in Take(int.MaxValue))
                insert.Refuse(exception);
        }
    }

    private List<InsertOrder> Take(int limit)
    {
        var taken = new List<InsertOrder>();
        lock (waiting)
            while (taken.Count < limit && waiting.TryDequeue(out var insert))
                if (insert.TryBegin())
                    taken.Add(insert);
        return taken;
    }

    private static async Task StoreAsync(NpgsqlConnection connection, List<InsertOrder> batch)
    {
        try
        {
            if (batch.Count > 0)
                await ExecuteAsync(connection, batch);
            batch.ForEach(insert => insert.Succeed());
        }
        catch (PostgresException exception) when (batch.Count > 1 && IsAboutOneRow(exception))
        {
            foreach (var insert in batch)
                await StoreAsync(connection, [insert]);
        }
        catch (Exception exception)
        {
            batch.ForEach(insert => insert.Fail(exception));
        }
    }

    // A value that the server does not take, a constraint, or a limit: the other orders are not to blame.
    private static bool IsAboutOneRow(PostgresException exception) => exception.SqlState[..2] is "22" or "23" or "54";

    private static async Task ExecuteAsync(NpgsqlConnection connection, List<InsertOrder> inserts)
    {
        // Without a BEGIN, the statements of a batch are one transaction.
        await using var batch = new NpgsqlBatch(connection);
        foreach (var insert in inserts)
            batch.BatchCommands.Add(insert.Command);
        // Npgsql's span is in the trace of the first order; the others have a link to it.
        Activity.Current = inserts[0].Activity;
        if (Activity.Current is { } first)
            foreach (var insert in inserts.Skip(1))
                insert.Activity?.AddLink(new ActivityLink(first.Context));
        var standby = new StandbyWatch(connection);
        await using var reader = await batch.ExecuteReaderAsync();
        foreach (var insert in inserts)
            await insert.ReadAsync(reader);
        // The commit comes after the rows. A reader that is only disposed of hides that it timed out.
        while (await reader.NextResultAsync()) { }
        standby.ThrowIfMissing();
    }
}
