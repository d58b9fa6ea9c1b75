using Npgsql;
using NpgsqlTypes;

namespace GoReliable.Orders.Outbox;

/// <summary>
/// Reads the outbox on the connection that holds the lock of the active relay. Without the lock it reads nothing, and
/// the lock ends with the connection. <b>A read continues after the last row of an earlier read, as soon as all
/// transactions that were writing to the outbox at that time have ended. In addition, a read begins at the first row
/// once a second, unless such reads would take more than a twentieth of the time.</b>
/// </summary>
/// <remarks>
/// Why not always begin at the first row? Deleted rows stay in the index until a vacuum. While a long transaction (a
/// backup) prevents the vacuum, each such read walks over all deleted rows. Why not always continue after the last row?
/// An id is taken before its row is committed. So a row with a smaller id may still appear, and later events of its
/// order must not be published first. Our deletion of the rows comes after the read, and its transaction id decides: a
/// transaction that took a smaller outbox id has a smaller transaction id than the deletion. For that, a transaction
/// must change something else before it writes to the outbox: it gets its transaction id with its first change.
/// </remarks>
internal sealed class OutboxReader(NpgsqlDataSource database, Telemetry telemetry, TimeProvider time) : IAsyncDisposable
{
    /// <summary>
    /// Rows per batch: enough to keep the broker busy, few enough to hold in memory and to lose in a crash.
    /// </summary>
    public const int BatchSize = 500;

    private static readonly TimeSpan FullReadInterval = TimeSpan.FromSeconds(1);

    // Reads from the first row may take a twentieth of all time.
    private const int FullReadShare = 20;

    // Whether no transaction older than $1 still writes to the outbox. Most often there is no older transaction at all.
    // While there is one, perhaps for hours, the locks show which transactions write.
    private const string HasNoOlderWriter = """
        CASE WHEN $1::xid8 IS NULL OR pg_snapshot_xmin(pg_current_snapshot()) >= $1 THEN true ELSE NOT EXISTS (
            SELECT FROM pg_locks AS writing JOIN pg_locks AS own USING (virtualtransaction)
            WHERE writing.relation = 'outbox'::regclass AND writing.mode = 'RowExclusiveLock'
                AND own.locktype = 'transactionid' AND own.mode = 'ExclusiveLock'
                AND age(own.transactionid) > age($1::xid))
        END
        """;

    // One lock for each outbox: a database may have several, in schemas of their own.
    private const string LockKey = "'outbox'::regclass::oid::int, hashtext('outbox relay')";

    // A server that is read-only gives the lock too, but what it lets us read could not be deleted after publishing.
    private const string Lock = $"""
        -- lock outbox
        SELECT set_config('goreliable.relay',
                (CASE WHEN read_only THEN false ELSE pg_try_advisory_lock({LockKey}) END)::text, false)::boolean,
            {HasNoOlderWriter}, read_only
        FROM (SELECT current_setting('transaction_read_only')::boolean AS read_only) AS server
        """;

    private const string Unlock = $"""
        -- unlock outbox
        SELECT pg_advisory_unlock({LockKey})
        """;

    // Skips orders that are set aside. If the read begins after the failed row, it skips the order even when its pause
    // is over: later rows must not be published first. The inner LIMIT makes this one index look-up for each row.
    internal const string Select = """
        -- SELECT outbox
        SELECT o.id, o.event_id, o.order_id, o.type, o.body, o.traceparent, o.tracestate,
            CASE WHEN aside.outbox_id = o.id THEN aside.attempts ELSE 0 END, aside.outbox_id IS NOT NULL
        FROM outbox o
        LEFT JOIN LATERAL (
            SELECT outbox_id, attempts, retry_at FROM outbox_set_aside WHERE order_id = o.order_id LIMIT 1
        ) AS aside ON true
        WHERE o.id > $2 AND (aside.outbox_id IS NULL OR (aside.retry_at <= now() AND aside.outbox_id > $2))
        ORDER BY o.id
        LIMIT CASE WHEN current_setting('goreliable.relay', true) = 'true' THEN $1 ELSE 0 END
        """;

    internal const string Delete = $"""
        -- DELETE outbox
        WITH gone AS (DELETE FROM outbox WHERE id = ANY ($2))
        SELECT pg_current_xact_id(), {HasNoOlderWriter}
        """;

    private NpgsqlConnection? connection;

    // Where reads may continue once all transactions older than the given one have ended.
    private (long Id, ulong Transaction)? nextReadAfter;
    private long lastIdRead;

    // A full batch may end before ReadAfter, because it contains rows of orders that were put back. The next read then
    // continues at its end, because more such rows may follow.
    private long lastIdOfFullBatch = long.MaxValue;

    private long? fullReadAt;
    private TimeSpan fullReadTook;

    /// <summary>Reads continue after this id, except for those that begin at the first row.</summary>
    public long ReadAfter { get; private set; }

    /// <summary>Opens a connection, in place of the one before it.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        await CloseAsync();
        connection = await database.OpenConnectionAsync(cancellationToken);
    }

    /// <summary>Tries to become the active relay and reads the first batch, in one round trip.</summary>
    /// <returns>Null when another relay is active.</returns>
    /// <exception cref="InvalidOperationException">The server is read-only.</exception>
    public async Task<IReadOnlyList<OutboxMessage>?> TryBeginAsync(int limit = BatchSize)
    {
        using var query = telemetry.Query("select_outbox");
        // Two statements, so that the rows are read from a snapshot taken after the lock: rows that the relay before us
        // deleted are gone.
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands = { new(Lock) { Parameters = { NextTransaction } } },
        };
        var messages = await ReadAsync(batch, limit, async row =>
        {
            await row.ReadAsync();
            var (isActive, hasNoOlderWriter) = (row.GetBoolean(0), row.GetBoolean(1));
            if (row.GetBoolean(2))
                throw new InvalidOperationException("The server is read-only: what is published could not be deleted.");
            if (isActive)
                Advance(hasNoOlderWriter);
            await row.NextResultAsync();
            return isActive;
        });
        query.Succeeded();
        return messages;
    }

    /// <summary>Writes down what became of a batch and reads the next one, in one round trip.</summary>
    public async Task<IReadOnlyList<OutboxMessage>> ContinueAsync(PublishedBatch published, int limit = BatchSize)
    {
        using var query = telemetry.Query("delete_outbox");
        await using var batch = new NpgsqlBatch(connection);
        published.AddTo(batch, NextTransaction);
        // All of it is one transaction.
        var messages = await ReadAsync(batch, limit, row => ReadOutcomeAsync(published, row, isBeforeRead: true));
        query.Succeeded();
        return messages!;
    }

    /// <summary>
    /// Writes down what became of a batch and lets another relay be the active one, in one round trip.
    /// </summary>
    /// <param name="published">Null when there was none.</param>
    public async Task EndAsync(PublishedBatch? published)
    {
        using var query = telemetry.Query(published is { Confirmed.Length: > 0 } ? "delete_outbox" : "unlock_outbox");
        // Each statement is a transaction of its own. A lock of the session is released at once, and the next relay
        // must not read the rows before their deletion is committed.
        await using var batch = new NpgsqlBatch(connection) { EnableErrorBarriers = true };
        published?.AddTo(batch, NextTransaction);
        batch.BatchCommands.Add(new(Unlock));
        await using (var row = await batch.ExecuteReaderAsync())
        {
            if (published is not null)
                await ReadOutcomeAsync(published, row, isBeforeRead: false);
            await EndAsync(row);
        }
        query.Succeeded();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => new(CloseAsync());

    /// <summary>Ends the connection, and with it the lock.</summary>
    public async Task CloseAsync()
    {
        if (connection is not null)
            await connection.DisposeAsync();
        // What held for the old server need not hold for the one that took over from it.
        (connection, ReadAfter, nextReadAfter, fullReadAt) = (null, 0, null, null);
    }

    private bool IsFullReadDue =>
        fullReadAt is not { } at
        || (time.GetElapsedTime(at) is var since && since >= FullReadInterval && since >= fullReadTook * FullReadShare);

    private async Task<List<OutboxMessage>?> ReadAsync(
        NpgsqlBatch batch,
        int limit,
        Func<NpgsqlDataReader, Task<bool>> readBefore
    )
    {
        var isFullRead = ReadAfter == 0 || IsFullReadDue;
        var after = isFullRead ? 0 : Math.Min(ReadAfter, lastIdOfFullBatch);
        batch.BatchCommands.Add(
            new(Select)
            {
                Parameters =
                {
                    new NpgsqlParameter<int> { TypedValue = limit },
                    new NpgsqlParameter<long> { TypedValue = after },
                },
            }
        );
        // A read that timed out would time out again the next time, so the next one has more time.
        if (isFullRead)
            batch.Timeout = (int)Math.Max(connection!.CommandTimeout, fullReadTook.TotalSeconds * 3);
        var (started, isActive) = (time.GetTimestamp(), true);
        try
        {
            await using var row = await batch.ExecuteReaderAsync();
            isActive = await readBefore(row);
            var messages = new List<OutboxMessage>();
            while (await row.ReadAsync())
                messages.Add(Message(row));
            await EndAsync(row);
            if (!isActive)
                return null;
            lastIdRead = messages.Count > 0 ? messages[^1].Id : 0;
            lastIdOfFullBatch = messages.Count == limit ? lastIdRead : long.MaxValue;
            return messages;
        }
        finally
        {
            if (isFullRead && isActive)
                (fullReadAt, fullReadTook) = (started, time.GetElapsedTime(started));
        }
    }

    private async Task<bool> ReadOutcomeAsync(PublishedBatch published, NpgsqlDataReader row, bool isBeforeRead)
    {
        if (published.Confirmed.Length == 0)
            return true;
        await row.ReadAsync();
        if (isBeforeRead)
            Advance(row.GetBoolean(1));
        if (lastIdRead > ReadAfter)
            nextReadAfter ??= (lastIdRead, row.GetFieldValue<ulong>(0));
        await row.NextResultAsync();
        return true;
    }

    // Called only when a read from the old place follows in the same round trip. That read finds the rows that those
    // writers committed after the previous read. If ReadAfter moved without it, these rows would be skipped until the
    // next read from the first row, and later events of their orders would be published first.
    private void Advance(bool hasNoOlderWriter)
    {
        if (hasNoOlderWriter && nextReadAfter is { } earlier)
            (ReadAfter, nextReadAfter) = (earlier.Id, null);
    }

    private NpgsqlParameter NextTransaction =>
        new() { Value = (object?)nextReadAfter?.Transaction ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Xid8 };

    // Reads to the end: a reader that is only disposed of hides errors of the last statements.
    private static async Task EndAsync(NpgsqlDataReader row)
    {
        while (await row.NextResultAsync()) { }
    }

    private static OutboxMessage Message(NpgsqlDataReader row) =>
        new(
            row.GetInt64(0),
            row.GetGuid(1),
            row.GetGuid(2),
            row.GetString(3),
            row.GetFieldValue<byte[]>(4),
            row.IsDBNull(5) ? null : row.GetString(5),
            row.IsDBNull(6) ? null : row.GetString(6),
            row.GetInt32(7),
            row.GetBoolean(8)
        );
}
