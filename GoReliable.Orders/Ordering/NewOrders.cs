using System.Diagnostics;
using GoReliable.Database;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// Stores new orders in one round trip and one commit each, or several together: <b>orders that come while others are
/// being stored wait for those, and then share a round trip and a commit.</b> So one order alone never waits, and under
/// load an order costs PostgreSQL half. Where the database is slow, fewer orders share a commit, and more commits are
/// under way.
/// </summary>
internal sealed class NewOrders(NpgsqlDataSource database, TimeProvider time)
{
    // As many orders share a commit as can be stored in this time, going by the last one.
    private static readonly TimeSpan CommitGoal = TimeSpan.FromMilliseconds(250);

    // An order that has not begun by then is refused, so that its client hears that nothing is stored.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(DatabaseDefaults.ConnectTimeoutSeconds);

    private const int MaxBatch = 50;

    // Where each commit takes long, however many orders it has, a batch of one would stay one.
    private const int MinBatch = 4;

    // In two commits of fifty orders, or in more of fewer.
    private const int MaxAtATime = 100;

    // The other connections are for reads and changes.
    private readonly int maxConnections = Math.Max(
        2,
        new NpgsqlConnectionStringBuilder(database.ConnectionString).MaxPoolSize * 3 / 4
    );

    private readonly Queue<(InsertOrder Insert, long Since)> waiting = new();
    private int running;
    private int batchSize = MaxBatch;

    private int MaxRunning => Math.Min(MaxAtATime / batchSize, maxConnections);

    /// <summary>Stores an order.</summary>
    /// <param name="insert">Its statement.</param>
    /// <param name="aborted">
    /// The client has gone. This ends the wait, and nothing is stored; a statement that has been sent is not cancelled,
    /// because then nobody would know whether it was executed.
    /// </param>
    /// <exception cref="OperationCanceledException">The client has gone, and nothing is stored.</exception>
    /// <exception cref="TimeoutException">Orders before it took too long, and nothing is stored.</exception>
    public async Task<InsertOutcome> StoreAsync(InsertOrder insert, CancellationToken aborted)
    {
        aborted.ThrowIfCancellationRequested();
        lock (waiting)
            waiting.Enqueue((insert, time.GetTimestamp()));
        BeginIfFree();
        await using (aborted.UnsafeRegister(static insert => ((InsertOrder)insert!).Leave(), insert))
            return await insert.Completion;
    }

    private void BeginIfFree()
    {
        lock (waiting)
        {
            if (waiting.Count == 0 || running >= MaxRunning)
                return;
            running++;
        }
        // It goes on after this request, so it must not keep the request's trace and log scopes.
        using (ExecutionContext.SuppressFlow())
            _ = RunAsync();
    }

    private async Task RunAsync()
    {
        try
        {
            do
            {
                await using var connection = await database.OpenConnectionAsync();
                await StoreWaitingAsync(connection);
            } while (GoesOn());
        }
        catch (Exception exception)
        {
            End(exception);
        }
    }

    private async Task StoreWaitingAsync(NpgsqlConnection connection)
    {
        var batch = Take(batchSize);
        if (batch.Count == 0)
            return;
        var began = time.GetTimestamp();
        var isStored = await StoreAsync(connection, batch);
        var count = Math.Ceiling(batch.Count * CommitGoal / time.GetElapsedTime(began));
        // What fails at once, or is repeated and needs no commit, says little about the next ones.
        lock (waiting)
            batchSize = (int)Math.Clamp(Math.Min(count, batchSize * (isStored ? 2 : 1)), MinBatch, MaxBatch);
        BeginIfFree();
    }

    private List<InsertOrder> Take(int limit)
    {
        var taken = new List<InsertOrder>();
        lock (waiting)
            while (taken.Count < limit && waiting.TryDequeue(out var next))
            {
                if (!next.Insert.TryBegin())
                    continue; // Its client has left.
                if (time.GetElapsedTime(next.Since) < MaxWait)
                    taken.Add(next.Insert);
                else
                    next.Insert.Refuse(new TimeoutException("The orders before this one take too long to be stored"));
            }
        return taken;
    }

    private bool GoesOn()
    {
        lock (waiting)
        {
            var goesOn = waiting.Count > 0 && running <= MaxRunning;
            if (!goesOn)
                running--;
            return goesOn;
        }
    }

    private void End(Exception exception)
    {
        lock (waiting)
        {
            running--;
            // If another one runs, it goes on with those that wait.
            while (running == 0 && waiting.TryDequeue(out var next))
                if (next.Insert.TryBegin())
                    next.Insert.Refuse(exception);
        }
    }

    private async Task<bool> StoreAsync(NpgsqlConnection connection, List<InsertOrder> batch)
    {
        try
        {
            await ExecuteAsync(connection, batch);
            batch.ForEach(insert => insert.Succeed());
            return true;
        }
        catch (PostgresException exception) when (batch.Count > 1 && IsAboutOneRow(exception))
        {
            foreach (var insert in batch)
                await StoreAsync(connection, [insert]);
            return false;
        }
        catch (Exception exception)
        {
            // Now: the next batch would be stored by the same server.
            database.LeaveReadOnlyServer(exception);
            batch.ForEach(insert => insert.Fail(exception));
            return false;
        }
    }

    // A value that the server does not take, a constraint, or a limit: the other orders are not to blame.
    private static bool IsAboutOneRow(PostgresException exception) => exception.SqlState[..2] is "22" or "23" or "54";

    private static async Task ExecuteAsync(NpgsqlConnection connection, List<InsertOrder> inserts)
    {
        // Without a BEGIN, the statements of a batch are one transaction.
        await using var batch = new NpgsqlBatch(connection);
        // Npgsql's span is in the trace of the first order that has one; the others have a link to it.
        Activity.Current = null;
        foreach (var insert in inserts)
        {
            batch.BatchCommands.Add(insert.Command);
            if (insert.Activity is not { Recorded: true } activity)
                continue;
            if (Activity.Current is { } first)
                activity.AddLink(new ActivityLink(first.Context));
            else
                Activity.Current = activity;
        }
        var standby = new StandbyWatch(connection);
        await using var reader = await batch.ExecuteReaderAsync();
        foreach (var insert in inserts)
            await insert.ReadAsync(reader);
        // The commit comes after the rows. A reader that is only disposed of hides that it timed out.
        while (await reader.NextResultAsync()) { }
        standby.ThrowIfMissing();
    }
}
