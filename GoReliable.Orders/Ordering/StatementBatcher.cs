using GoReliable.Database;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// Executes statements in one round trip and one transaction each, or several together: <b>statements that come while
/// others are being executed wait for those, and then share a round trip.</b> So one alone never waits, and under load
/// each costs less. Where the database is slow, fewer share a round trip, and more are under way.
/// </summary>
/// <param name="database">Where they are executed.</param>
/// <param name="goal">
/// No more share a round trip than can be executed in this time, going by the last one. After this time another round
/// trip may begin: the connection of this one may be dead.
/// </param>
/// <param name="time">Measures them.</param>
internal sealed class StatementBatcher(NpgsqlDataSource database, TimeSpan goal, TimeProvider time)
{
    // A statement whose turn comes later than that is refused, so that its client hears that nothing is stored.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(DatabaseDefaults.ConnectTimeoutSeconds);

    private const int MaxBatch = 50;

    // Where each round trip takes long, whatever is in it, a batch of one would stay one.
    private const int MinBatch = 4;

    // One batch of fifty, two of forty-nine, or more of fewer: two at a time would be half as large, and cost more.
    private const int MaxAtATime = 99;

    // Orders and reads have a third of the connections each, and everything else has the rest.
    private readonly int maxConnections = Math.Max(
        2,
        new NpgsqlConnectionStringBuilder(database.ConnectionString).MaxPoolSize / 3
    );

    private readonly Queue<(BatchedStatement Statement, long Since)> waiting = new();
    private int running;
    private int connected;
    private int slow;
    private int batchSize = MaxBatch;

    private int MaxRunning => Math.Min(MaxAtATime / batchSize + slow, maxConnections);

    /// <summary>Executes a statement.</summary>
    /// <param name="statement">Which.</param>
    /// <param name="aborted">
    /// The client has gone. This ends the wait, and nothing is executed; a statement that has been sent is not
    /// cancelled: others share its round trip, and nobody would know whether it was executed.
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
        var began = 0L;
        try
        {
            do
            {
                began = time.GetTimestamp();
                await WatchAsync(ExecuteWaitingAsync());
            } while (GoesOn());
        }
        catch (Exception exception)
        {
            End(exception, began);
        }
    }

    private async Task WatchAsync(Task roundTrip)
    {
        try
        {
            await roundTrip.WaitAsync(goal, time);
            return;
        }
        catch (TimeoutException)
        {
            // It goes on; others need not wait for it.
        }
        lock (waiting)
            slow++;
        BeginIfFree();
        try
        {
            await roundTrip;
        }
        finally
        {
            lock (waiting)
                slow--;
        }
    }

    private async Task ExecuteWaitingAsync()
    {
        await using var connection = await database.OpenConnectionAsync();
        Interlocked.Increment(ref connected);
        try
        {
            var batch = Take(batchSize);
            if (batch.Count == 0)
                return;
            var began = time.GetTimestamp();
            var isDone = await StatementBatch.ExecuteAsync(database, connection, batch);
            Adapt(batch.Count, time.GetElapsedTime(began), isDone);
        }
        finally
        {
            Interlocked.Decrement(ref connected);
        }
    }

    private void Adapt(int count, TimeSpan took, bool isDone)
    {
        var size = Math.Ceiling(count * goal / took);
        // What fails at once, or is executed again one by one, says little about the next ones.
        lock (waiting)
            batchSize = (int)Math.Clamp(Math.Min(size, batchSize * (isDone ? 2 : 1)), MinBatch, MaxBatch);
        BeginIfFree();
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

    private void End(Exception exception, long began)
    {
        lock (waiting)
        {
            running--;
            // One that has a connection goes on with those that wait, but not for ever: it may hang.
            while (
                waiting.TryPeek(out var next) && (IsHopeless(next.Since) || time.GetElapsedTime(next.Since) >= MaxWait)
            )
            {
                waiting.Dequeue();
                if (next.Statement.TryBegin())
                    next.Statement.Refuse(exception);
            }
            if (running > 0)
                return;
        }
        BeginIfFree();

        bool IsHopeless(long since) => Volatile.Read(ref connected) == 0 && since <= began;
    }
}
