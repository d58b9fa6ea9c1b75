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

    private const string Lock = """
        -- lock outbox
        SELECT pg_try_advisory_lock(hashtext('outbox relay'))
        """;

    private const string Unlock = """
        -- unlock outbox
        SELECT pg_advisory_unlock(hashtext('outbox relay'))
        """;

    private const string Select = """
        -- SELECT outbox
        SELECT id, event_id, order_id, type, body, traceparent, tracestate FROM outbox ORDER BY id LIMIT $1
        """;

    private const string Delete = """
        -- DELETE outbox
        DELETE FROM outbox WHERE id = ANY ($1)
        """;

    private readonly NpgsqlConnection connection;
    private readonly Telemetry telemetry;

    private OutboxSession(NpgsqlConnection connection, Telemetry telemetry) => (this.connection, this.telemetry) = (connection, telemetry);

    /// <summary>Connections for sessions, not pooled: a pooled connection that is closed stays open, and would keep the lock.</summary>
    /// <param name="connectionString">Of the orders database.</param>
    public static NpgsqlDataSource CreateDataSource(string connectionString)
    {
        var source = new NpgsqlDataSourceBuilder(connectionString) { ConnectionStringBuilder = { Pooling = false } };
        DatabaseDefaults.Configure(source, "orders-db-relay");
        // A relay that is well asks every second, and while it waits for confirms after ten at the latest. One whose host
        // vanished must not keep the lock from the others until TCP notices, in hours.
        source.ConnectionStringBuilder.Options += " -c idle_session_timeout=30s";
        return source.Build();
    }

    /// <param name="database">Of <see cref="CreateDataSource"/>.</param>
    /// <param name="telemetry">Times the queries.</param>
    /// <param name="cancellationToken">The service stops.</param>
    public static async Task<OutboxSession> OpenAsync(NpgsqlDataSource database, Telemetry telemetry, CancellationToken cancellationToken) =>
        new(await database.OpenConnectionAsync(cancellationToken), telemetry);

    /// <summary>Tries to become the active relay and reads the first batch, in one round trip.</summary>
    /// <returns>Null when another relay is active.</returns>
    public async Task<IReadOnlyList<OutboxMessage>?> TryBeginAsync()
    {
        using var query = telemetry.Query("select_outbox");
        // Two statements, so that the rows are read from a snapshot taken after the lock: what the relay before us
        // deleted is gone. Without the lock the rows are somebody else's and are not looked at.
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new NpgsqlBatchCommand(Lock), SelectCommand() } };
        await using var row = await batch.ExecuteReaderAsync();
        await row.ReadAsync();
        var active = row.GetBoolean(0);
        await row.NextResultAsync();
        var messages = active ? await ReadAsync(row) : null;
        query.Succeeded();
        return messages;
    }

    /// <summary>Deletes what the broker confirmed and reads the next batch, in one round trip.</summary>
    public async Task<IReadOnlyList<OutboxMessage>> ContinueAsync(long[] confirmed)
    {
        using var query = telemetry.Query("delete_outbox");
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { DeleteCommand(confirmed), SelectCommand() } };
        await using var row = await batch.ExecuteReaderAsync();
        var messages = await ReadAsync(row);
        query.Succeeded();
        return messages;
    }

    /// <summary>Deletes what the broker confirmed and lets another relay be the active one, in one round trip.</summary>
    public async Task EndAsync(long[] confirmed)
    {
        using var query = telemetry.Query(confirmed.Length > 0 ? "delete_outbox" : "unlock_outbox");
        // Each statement a transaction of its own: a lock of the session falls at once, and the next relay must not read
        // the rows before their deletion is committed.
        await using var batch = new NpgsqlBatch(connection) { EnableErrorBarriers = true };
        if (confirmed.Length > 0)
            batch.BatchCommands.Add(DeleteCommand(confirmed));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Unlock));
        await batch.ExecuteNonQueryAsync();
        query.Succeeded();
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private static NpgsqlBatchCommand SelectCommand() => new(Select) { Parameters = { new NpgsqlParameter<int> { TypedValue = BatchSize } } };

    private static NpgsqlBatchCommand DeleteCommand(long[] ids) => new(Delete) { Parameters = { new NpgsqlParameter<long[]> { TypedValue = ids } } };

    private static async Task<List<OutboxMessage>> ReadAsync(NpgsqlDataReader row)
    {
        var messages = new List<OutboxMessage>();
        while (await row.ReadAsync())
        {
            messages.Add(new OutboxMessage(
                row.GetInt64(0), row.GetGuid(1), row.GetGuid(2), row.GetString(3), row.GetFieldValue<byte[]>(4),
                row.IsDBNull(5) ? null : row.GetString(5), row.IsDBNull(6) ? null : row.GetString(6)));
        }
        return messages;
    }
}
