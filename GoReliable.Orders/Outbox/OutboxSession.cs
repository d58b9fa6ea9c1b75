using GoReliable.ServiceDefaults.Schema;
using Npgsql;

namespace GoReliable.Orders.Outbox;

/// <summary>
/// A relay's database connection, which holds the lock of "the one active relay" and does all its work: when the
/// connection is gone, so is the lock, and no statement can run without it.
/// </summary>
internal sealed class OutboxSession : IAsyncDisposable
{
    /// <summary>Rows per batch: enough to keep the broker busy, little enough to hold in memory and to lose in a crash.</summary>
    public const int BatchSize = 500;

    // While a backup keeps millions of deleted rows, walking over them takes longer than a request may. Given up, the look
    // would begin again, and never come to its end: so the next one has more time. Not the first, which may as well be on a
    // connection whose other end is gone.
    private const int SecondLookTimeoutSeconds = 60;

    private const string Lock = """
        -- lock outbox
        SELECT pg_try_advisory_lock(hashtext('outbox relay'))
        """;

    private const string Unlock = """
        -- unlock outbox
        SELECT pg_advisory_unlock(hashtext('outbox relay'))
        """;

    internal const string Select = """
        -- SELECT outbox
        SELECT id, event_id, order_id, type, body, traceparent, tracestate FROM outbox WHERE id > $2 ORDER BY id LIMIT $1
        """;

    // Without reading the table: the newest id (a sequence that was never used shows its first), and which transactions
    // of the whole server are running.
    private const string Sample = """
        -- sample ids
        SELECT CASE WHEN is_called THEN last_value ELSE 0 END, pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        FROM outbox_id_seq
        """;

    internal const string Delete = """
        -- DELETE outbox
        DELETE FROM outbox WHERE id = ANY ($1)
        """;

    private readonly NpgsqlConnection connection;
    private readonly OutboxFloor floor;
    private readonly Telemetry telemetry;

    // Of the batch that was read last.
    private long settledWhenRead;
    private long readUpTo;

    private OutboxSession(NpgsqlConnection connection, OutboxFloor floor, Telemetry telemetry) => (this.connection, this.floor, this.telemetry) = (connection, floor, telemetry);

    /// <summary>Connections for sessions, not pooled: a pooled connection that is closed stays open, and would keep the lock.</summary>
    /// <param name="connectionString">Of the orders database.</param>
    public static NpgsqlDataSource CreateDataSource(string connectionString)
    {
        var source = new NpgsqlDataSourceBuilder(connectionString) { ConnectionStringBuilder = { Pooling = false } };
        DatabaseDefaults.Configure(source, "orders-db-relay");
        // A relay that is well asks every second, and while it waits for confirms after ten at the latest. One whose host
        // vanished must not keep the lock from the others until TCP notices, in hours.
        source.ConnectionStringBuilder.Options += " -c idle_session_timeout=30s";
        // Statements are planned once, on a table that is mostly empty, and used on one with a million rows.
        source.ConnectionStringBuilder.Options += " -c enable_seqscan=off -c enable_sort=off";
        return source.Build();
    }

    /// <param name="database">Of <see cref="CreateDataSource"/>.</param>
    /// <param name="floor">Where reading starts.</param>
    /// <param name="telemetry">Times the queries.</param>
    /// <param name="cancellationToken">The service stops.</param>
    public static async Task<OutboxSession> OpenAsync(NpgsqlDataSource database, OutboxFloor floor, Telemetry telemetry, CancellationToken cancellationToken)
    {
        var connection = await database.OpenConnectionAsync(cancellationToken);
        // What was true of the old server need not be of the one that took over from it.
        floor.Reset();
        return new OutboxSession(connection, floor, telemetry);
    }

    /// <summary>Tries to become the active relay and reads the first batch, in one round trip.</summary>
    /// <returns>Null when another relay is active.</returns>
    public async Task<IReadOnlyList<OutboxMessage>?> TryBeginAsync()
    {
        using var query = telemetry.Query("select_outbox");
        // Two statements, so that the rows are read from a snapshot taken after the lock: what the relay before us
        // deleted is gone. Without the lock the rows are somebody else's and are not looked at.
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new NpgsqlBatchCommand(Lock) } };
        AddSelect(batch);
        await using var row = await batch.ExecuteReaderAsync();
        await row.ReadAsync();
        var active = row.GetBoolean(0);
        await row.NextResultAsync();
        var messages = active ? await ReadAsync(row) : null;
        floor.IsLooking = false;
        query.Succeeded();
        return messages;
    }

    /// <summary>Deletes what the broker confirmed and reads the next batch, in one round trip.</summary>
    public async Task<IReadOnlyList<OutboxMessage>> ContinueAsync(long[] confirmed)
    {
        using var query = telemetry.Query("delete_outbox");
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { DeleteCommand(confirmed) } };
        var deleted = (readUpTo, settledWhenRead);
        AddSelect(batch);
        List<OutboxMessage> messages;
        await using (var row = await batch.ExecuteReaderAsync())
            messages = await ReadAsync(row);
        // Both statements are one transaction, which ends with the reader.
        floor.IsLooking = false;
        floor.Sent(deleted.readUpTo, deleted.settledWhenRead);
        query.Succeeded();
        return messages;
    }

    /// <summary>Deletes what the broker confirmed and lets another relay be the active one, in one round trip.</summary>
    /// <param name="confirmed">Rows of the last batch.</param>
    /// <param name="all">Whether that was the whole batch.</param>
    public async Task EndAsync(long[] confirmed, bool all)
    {
        using var query = telemetry.Query(confirmed.Length > 0 ? "delete_outbox" : "unlock_outbox");
        // Each statement a transaction of its own: a lock of the session falls at once, and the next relay must not read
        // the rows before their deletion is committed.
        await using var batch = new NpgsqlBatch(connection) { EnableErrorBarriers = true };
        if (confirmed.Length > 0)
            batch.BatchCommands.Add(DeleteCommand(confirmed));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Unlock));
        await batch.ExecuteNonQueryAsync();
        if (all)
            floor.Sent(readUpTo, settledWhenRead);
        query.Succeeded();
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private void AddSelect(NpgsqlBatch batch)
    {
        settledWhenRead = floor.Settled;
        if (floor.IsLooking)
            batch.Timeout = SecondLookTimeoutSeconds;
        floor.IsLooking = floor.Value == 0;
        batch.BatchCommands.Add(new(Select) { Parameters = { new NpgsqlParameter<int> { TypedValue = BatchSize }, new NpgsqlParameter<long> { TypedValue = floor.Value } } });
        if (floor.IsSampleDue)
            batch.BatchCommands.Add(new(Sample));
    }

    private static NpgsqlBatchCommand DeleteCommand(long[] ids) => new(Delete) { Parameters = { new NpgsqlParameter<long[]> { TypedValue = ids } } };

    private async Task<List<OutboxMessage>> ReadAsync(NpgsqlDataReader row)
    {
        var messages = new List<OutboxMessage>();
        while (await row.ReadAsync())
        {
            messages.Add(new OutboxMessage(
                row.GetInt64(0), row.GetGuid(1), row.GetGuid(2), row.GetString(3), row.GetFieldValue<byte[]>(4),
                row.IsDBNull(5) ? null : row.GetString(5), row.IsDBNull(6) ? null : row.GetString(6)));
        }
        readUpTo = messages.Count < BatchSize ? long.MaxValue : messages[^1].Id;
        if (await row.NextResultAsync() && await row.ReadAsync())
            floor.Sample(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2));
        return messages;
    }
}
