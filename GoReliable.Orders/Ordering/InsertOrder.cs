using System.Text.Json;
using GoReliable.Database;
using GoReliable.ServiceDefaults.Problems;
using Npgsql;
using NpgsqlTypes;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// The statement that stores a new order with its event and, if its request has one, its idempotency key.
/// </summary>
internal sealed class InsertOrder : BatchedStatement<InsertOutcome>
{
    // The outbox row selects from "stored", so the transaction has its transaction id before the row takes its outbox
    // id. OutboxReader relies on this order.
    private const string Insert = """
        -- INSERT order
        WITH stored AS (
            INSERT INTO orders (id, customer_id, status, currency, items, total,
                contact_email, created_at, updated_at, version)
            VALUES ($1, $2, 'pending', $3, $4, $5, $6, $7, $7, 1)
            RETURNING id
        )
        INSERT INTO outbox (event_id, order_id, type, body, traceparent, tracestate, created_at)
        SELECT $8, id, $9, $10, $11, $12, $7 FROM stored
        """;

    // The request that is using this key holds the lock until its transaction ends. A second request gets "alone" =
    // false at once and does not wait. All other inserts depend on "claim": they are all made, or none is.
    private const string InsertOnce = $"""
        -- INSERT order once
        WITH attempt AS MATERIALIZED (
            SELECT pg_try_advisory_xact_lock(hashtextextended($2 || ' ' || $13, 0)) AS alone
        ), claim AS (
            INSERT INTO idempotency_keys (customer_id, key, request_hash, order_id, created_at)
            SELECT $2, $13, $14, $1, $7 FROM attempt WHERE alone
            ON CONFLICT (customer_id, key) DO NOTHING
            RETURNING order_id
        ), stored AS (
            INSERT INTO orders (id, customer_id, status, currency, items, total,
                contact_email, created_at, updated_at, version)
            SELECT order_id, $2, 'pending', $3, $4, $5, $6, $7, $7, 1 FROM claim
        ), announced AS (
            INSERT INTO outbox (event_id, order_id, type, body, traceparent, tracestate, created_at)
            SELECT $8, order_id, $9, $10, $11, $12, $7 FROM claim
        )
        SELECT attempt.alone, EXISTS (SELECT FROM claim), first.request_hash, {Order.Columns}
        FROM attempt
        LEFT JOIN idempotency_keys first ON first.customer_id = $2 AND first.key = $13
        LEFT JOIN orders o ON o.id = first.order_id
        """;

    private readonly bool isKeyed;

    /// <summary>Makes the statement; its event belongs to the current span's trace.</summary>
    public InsertOrder(Order order, string customerId, KeyedRequest? request)
        : base(request is null ? Insert : InsertOnce)
    {
        isKeyed = request is not null;
        var parameters = Command.Parameters;
        parameters.AddValue(order.Id);
        parameters.AddValue(customerId);
        parameters.AddValue(order.Currency);
        parameters.Add(
            new NpgsqlParameter<byte[]>
            {
                TypedValue = JsonSerializer.SerializeToUtf8Bytes(order.Items, OrdersJson.Default.OrderItemArray),
                NpgsqlDbType = NpgsqlDbType.Jsonb,
            }
        );
        parameters.AddValue(order.Total);
        parameters.AddValue(order.ContactEmail);
        parameters.AddValue(order.CreatedAt);
        parameters.AddEvent(order, customerId);
        if (request is null)
            return;
        parameters.AddValue(request.Key);
        parameters.AddValue(request.Hash);
    }

    /// <summary>Its name in metrics.</summary>
    public string QueryName => isKeyed ? "insert_order_once" : "insert_order";

    protected override bool HasResult => isKeyed;

    protected override async Task<InsertOutcome> ReadResultAsync(NpgsqlDataReader reader)
    {
        if (!isKeyed)
            return InsertOutcome.Stored;
        await reader.ReadAsync();
        return new InsertOutcome(
            reader.GetBoolean(0),
            reader.GetBoolean(1),
            reader.IsDBNull(2) ? null : reader.GetFieldValue<byte[]>(2),
            reader.IsDBNull(3) ? null : Order.Read(reader, first: 3)
        );
    }

    /// <summary>Something may be stored, if the server did not say otherwise.</summary>
    /// <remarks>
    /// Only a client with a key may repeat its request then. A server that panics, for example because it cannot write
    /// its log, may have written the commit.
    /// </remarks>
    public override void Fail(Exception reason) =>
        base.Fail(
            isKeyed || reason is PostgresException { InvariantSeverity: not "PANIC" }
                ? reason
                : new OutcomeUnknownException(reason)
        );
}

/// <summary>What became of an insert.</summary>
/// <param name="IsAlone">False when another request with this key is at work.</param>
/// <param name="IsStored">Whether the order is stored.</param>
/// <param name="FirstHash">If it is not: the hash of the first request with its key.</param>
/// <param name="FirstOrder">And its order as it is now.</param>
internal sealed record InsertOutcome(bool IsAlone, bool IsStored, byte[]? FirstHash, Order? FirstOrder)
{
    /// <summary>The order is stored.</summary>
    public static readonly InsertOutcome Stored = new(IsAlone: true, IsStored: true, null, null);
}
