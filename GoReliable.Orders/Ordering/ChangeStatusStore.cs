using GoReliable.Database;
using GoReliable.ServiceDefaults.Chaos;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>Whether a change is stored.</summary>
internal enum StoreResult
{
    /// <summary>Order, event and key, in one commit.</summary>
    Stored,

    /// <summary>Nothing: the order has another version by now, or the key was used.</summary>
    Outdated,

    /// <summary>Nothing: another request with this key is at work.</summary>
    KeyInFlight,
}

/// <summary>Reads and changes an order: one round trip each, with an <c>Idempotency-Key</c> and without.</summary>
internal sealed class ChangeStatusStore(
    NpgsqlDataSource database,
    ChaosSwitches chaos,
    GetOrder orders,
    Telemetry telemetry,
    TimeProvider time
)
{
    private const string SelectOnce = $"""
        -- SELECT order and key
        SELECT first.request_hash, first.status, first.updated_at, first.version, {Order.Columns}
        FROM (VALUES (1)) one
        LEFT JOIN idempotency_keys first ON first.customer_id = $2 AND first.key = $3
        LEFT JOIN orders o ON o.id = $1 AND o.customer_id = $2
        """;

    // Changes the version that was read, or nothing. Row and event are one statement, so one commit. The customer is
    // checked again: a customer who was erased in between must not come back with the event.
    private const string Update = """
        -- UPDATE order
        WITH changed AS (
            UPDATE orders SET status = $3, updated_at = $4, version = version + 1
            WHERE id = $1 AND version = $2 AND customer_id = $10
            RETURNING id
        ), announced AS (
            INSERT INTO outbox (event_id, order_id, type, body, traceparent, tracestate, created_at)
            SELECT $5, id, $6, $7, $8, $9, $4 FROM changed
        )
        SELECT true, EXISTS (SELECT FROM changed)
        """;

    // The same lock as in InsertOrder. If another request used the key after this statement's snapshot was taken, that
    // is a unique violation, which undoes the change.
    private const string UpdateOnce = """
        -- UPDATE order once
        WITH attempt AS MATERIALIZED (
            SELECT pg_try_advisory_xact_lock(hashtextextended($10 || ' ' || $11, 0)) AS alone
        ), changed AS (
            UPDATE orders SET status = $3, updated_at = $4, version = version + 1
            FROM attempt
            WHERE attempt.alone AND id = $1 AND version = $2 AND customer_id = $10
              AND NOT EXISTS (SELECT FROM idempotency_keys WHERE customer_id = $10 AND key = $11)
            RETURNING id
        ), announced AS (
            INSERT INTO outbox (event_id, order_id, type, body, traceparent, tracestate, created_at)
            SELECT $5, id, $6, $7, $8, $9, $4 FROM changed
        ), claim AS (
            INSERT INTO idempotency_keys (customer_id, key, request_hash, order_id,
                created_at, status, updated_at, version)
            SELECT $10, $11, $12, id, $13, $3, $4, $2 + 1 FROM changed
        )
        SELECT attempt.alone, EXISTS (SELECT FROM changed) FROM attempt
        """;

    // The order already has the state. The answer is remembered all the same, because the next change must not alter
    // it.
    private const string InsertKey = """
        -- INSERT key
        WITH attempt AS MATERIALIZED (
            SELECT pg_try_advisory_xact_lock(hashtextextended($5 || ' ' || $6, 0)) AS alone
        ), claim AS (
            INSERT INTO idempotency_keys (customer_id, key, request_hash, order_id,
                created_at, status, updated_at, version)
            SELECT $5, $6, $7, $1, $8, $3, $4, $2 FROM attempt WHERE alone
            ON CONFLICT (customer_id, key) DO NOTHING
            RETURNING order_id
        )
        SELECT attempt.alone, EXISTS (SELECT FROM claim) FROM attempt
        """;

    /// <returns>
    /// The order, or null if there is none or it is another customer's; and what is remembered of the key.
    /// </returns>
    public async Task<(Order? Order, FirstRequest? First)> FindAsync(Guid id, string customerId, KeyedRequest? request)
    {
        if (request is null)
            return (await orders.FindAsync(id, customerId, CancellationToken.None), null);

        using var query = telemetry.Query("select_order_once");
        await chaos.Database.InjectAsync(CancellationToken.None);
        await using var command = database.CreateCommand(SelectOnce);
        command.Parameters.AddValue(id);
        command.Parameters.AddValue(customerId);
        command.Parameters.AddValue(request.Key);
        await using var row = await command.ExecuteReaderAsync(CancellationToken.None);
        await row.ReadAsync(CancellationToken.None);
        query.Succeeded();
        var order = row.IsDBNull(4) ? null : Order.Read(row, first: 4);
        return (order, row.IsDBNull(0) ? null : new FirstRequest(row.GetFieldValue<byte[]>(0), Answer(order, row)));
    }

    /// <summary>Stores the order as it is after the change, if it is still as it was before.</summary>
    public async Task<StoreResult> StoreAsync(Order before, Order after, string customerId, KeyedRequest? request)
    {
        var isChanged = after.Version > before.Version;
        if (!isChanged && request is null)
        {
            await WaitForStandbyAsync(after);
            return StoreResult.Stored;
        }

        var (name, sql) = (isChanged, request) switch
        {
            (false, _) => ("insert_key", InsertKey),
            (_, null) => ("update_order", Update),
            _ => ("update_order_once", UpdateOnce),
        };
        using var query = telemetry.Query(name);
        await chaos.Database.InjectAsync(CancellationToken.None);
        await using var connection = await database.OpenConnectionAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand(sql, connection);
        var parameters = command.Parameters;
        parameters.AddValue(after.Id);
        parameters.AddValue(before.Version);
        parameters.AddValue(after.Status.Text());
        parameters.AddValue(after.UpdatedAt);
        if (isChanged)
            parameters.AddEvent(after, customerId);
        parameters.AddValue(customerId);
        if (request is not null)
        {
            parameters.AddValue(request.Key);
            parameters.AddValue(request.Hash);
            parameters.AddValue(Order.Now(time));
        }
        try
        {
            var (alone, stored) = await command.ReadChangeAsync(row => (row.GetBoolean(0), row.GetBoolean(1)));
            query.Succeeded();
            return (alone, stored) switch
            {
                (false, _) => StoreResult.KeyInFlight,
                (_, true) => StoreResult.Stored,
                _ => StoreResult.Outdated,
            };
        }
        catch (PostgresException used)
            when (used is { SqlState: PostgresErrorCodes.UniqueViolation, ConstraintName: "idempotency_keys_pkey" })
        {
            query.Succeeded();
            return StoreResult.Outdated;
        }
    }

    /// <summary>Returns when the standby, if there is one, has the order.</summary>
    public Task WaitForStandbyAsync(Order order) => database.WaitForStandbyAsync(telemetry, order.Id);

    private static Order? Answer(Order? order, NpgsqlDataReader first) =>
        order is null || first.IsDBNull(1)
            ? null
            : order with
            {
                Status = OrderStatusExtensions.Parse(first.GetString(1)),
                UpdatedAt = first.GetDateTime(2),
                Version = first.GetInt32(3),
            };
}
