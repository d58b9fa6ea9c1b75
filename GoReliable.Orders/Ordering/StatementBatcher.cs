using GoReliable.Database;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// Executes statements in one round trip and one transaction each, or several together: <b>statements that come while
/// others are being executed wait for those, and then share a round trip.</b> So one alone never waits, and under load
/// each costs less. Where the database is slow, fewer share a round trip, and more are under way.
/// </summary>
internal sealed class StatementBatcher(NpgsqlDataSource database, TimeProvider time)
{
    // As many share a round trip as can be executed in this time, going by the last one. The others wait for a round
    // trip no longer than this: its connection may be dead.
    private static readonly TimeSpan Goal = TimeSpan.FromMilliseconds(250);

    // A statement that has not begun by then is refused, so that its client hears that nothing is stored.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(DatabaseDefaults.ConnectTimeoutSeconds);

    private const int MaxBatch = 50;

    // Where each round trip takes long, whatever is in it, a batch of one would stay one.
    private const int MinBatch = 4;

    // One batch of fifty, or more of fewer. Two at a time would be half as large, and cost more.
    private const int MaxAtATime = 99;

    // The other connections are for everything else.
    private readonly int maxConnections = Math.Max(
        2,
        new NpgsqlConnectionStringBuilder(database.ConnectionString).MaxPoolSize * 3 / 4
    );

    private readonly Queue<(BatchedStatement Statement, long Since)> waiting = new();
    private int running;
    private int slow;
    private int batchSize = MaxBatch;

    private int MaxRunning => Math.Min(MaxAtATime / batchSize + slow, maxConnections);

    /// <summary>Executes a statement.</summary>
    /// <param name="statement">Which.</param>
    /// <param name="aborted">
    /// The client has gone. This ends the wait, and nothing is executed; a statement that has been sent is not
    /// cancelled, because then nobody would know whether it was executed.
    /// </param>
    /// <exception cref="OperationCanceledException">The client has gone, and nothing is executed.</exception>
    /// <exception cref="TimeoutException">Statements before it took too long, and nothing is executed.</exception>
    public async Task<TResult> ExecuteAsync<TResult>(BatchedStatement<TResult> statement, CancellationToken aborted)
    {
        aborted.ThrowIfCancellationRequested();
        lock (waiting)
            waiting.Enqueue((statement, time.GetTimestamp()));
        BeginIfFree();
        await using (
            aborted.UnsafeRegister(static statement => ((BatchedStatement<TResult>)statement!).Leave(), statement)
        )
            return await statement.Completion;
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
                await ExecuteWaitingAsync(connection);
            } while (GoesOn());
        }
        catch (Exception exception)
        {
            End(exception);
        }
    }

    private async Task ExecuteWaitingAsync(NpgsqlConnection connection)
    {
        var batch = Take(batchSize);
        if (batch.Count == 0)
            return;
        var began = time.GetTimestamp();
        var isTypical = await ExecuteAsync(connection, batch);
        var count = Math.Ceiling(batch.Count * Goal / time.GetElapsedTime(began));
        // What fails at once, or is executed again one by one, says little about the next ones.
        lock (waiting)
            batchSize = (int)Math.Clamp(Math.Min(count, batchSize * (isTypical ? 2 : 1)), MinBatch, MaxBatch);
        BeginIfFree();
    }

    private async Task<bool> ExecuteAsync(NpgsqlConnection connection, List<BatchedStatement> batch)
    {
        var execution = StatementBatch.ExecuteAsync(database, connection, batch);
        try
        {
            return await execution.WaitAsync(Goal, time);
        }
        catch (TimeoutException)
        {
            lock (waiting)
                slow++;
            BeginIfFree();
            var isTypical = await execution;
            lock (waiting)
                slow--;
            return isTypical;
        }
    }

    private List<BatchedStatement> Take(int limit)
    {
        var taken = new List<BatchedStatement>();
        lock (waiting)
            while (taken.Count < limit && waiting.TryDequeue(out var next))
            {
                if (!next.Statement.TryBegin())
                    continue; // Its client has left.
                if (time.GetElapsedTime(next.Since) < MaxWait)
                    taken.Add(next.Statement);
                else
                    next.Statement.Refuse(new TimeoutException("The statements before this one take too long"));
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
                if (next.Statement.TryBegin())
                    next.Statement.Refuse(exception);
        }
    }
}
