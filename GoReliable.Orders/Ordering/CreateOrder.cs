using System.Diagnostics;
using System.Text.Json;
using GoReliable.Database;
using GoReliable.Orders.Outbox;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using NpgsqlTypes;
using Answer = Microsoft.AspNetCore.Http.HttpResults.Results<
    Microsoft.AspNetCore.Http.HttpResults.Created<GoReliable.Orders.Ordering.Order>,
    Microsoft.AspNetCore.Http.HttpResults.ValidationProblem,
    Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult
>;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// <c>POST /api/v1/orders</c>: one round trip and one commit for order, idempotency record and outbox row. With an
/// <c>Idempotency-Key</c> a repeated request gets the first answer (draft-ietf-httpapi-idempotency-key-header).
/// </summary>
internal sealed class CreateOrder(
    NpgsqlDataSource database,
    ChaosSwitches chaos,
    OutboxSignal outbox,
    Telemetry telemetry,
    ILogger<CreateOrder> logger,
    TimeProvider time
)
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

    // The request that is using this key holds the lock until its statement ends. A second request gets "alone" = false
    // at once and does not wait. All other inserts depend on "claim": they are all made, or none is.
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

    public async Task<Answer> HandleAsync(HttpContext context, Customer customer)
    {
        using var operation = telemetry.Operation("create");
        try
        {
            var (result, answer) = await AnswerAsync(context, customer);
            operation.Result = result;
            return answer;
        }
        // Only then: a statement that fails is an error of ours, also when its caller has given up by then.
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            operation.Result = "cancelled";
            throw;
        }
    }

    private async Task<(string Result, Answer Answer)> AnswerAsync(HttpContext context, Customer customer)
    {
        if (!IdempotencyKey.TryRead(context.Request.Headers, out var key))
            return ("invalid", Problems.BadIdempotencyKey);
        var (body, problem) = await RequestBody.ReadAsync(context.Request);
        if (body is null)
            return (context.RequestAborted.IsCancellationRequested ? "cancelled" : "invalid", problem!);
        var request = body.Normalize(out var errors);
        if (errors is not null)
            return ("invalid", TypedResults.ValidationProblem(errors));

        var order = NewOrder(request);
        using var activity = Telemetry.Source.StartActivity("create order");
        activity
            ?.SetTag("goreliable.order.id", order.Id.ToString())
            .SetTag("goreliable.order.item_count", order.Items.Length)
            .SetTag("goreliable.order.currency", order.Currency);
        try
        {
            if (key is null)
                await StoreAsync(order, customer.Id, context.RequestAborted);
            else if (await StoreOnceAsync(order, customer.Id, new(key, request.Hash()), context) is { } earlier)
                return await AnswerEarlierAsync(earlier, context.Response, activity);
        }
        catch (Exception exception)
            when (exception is not OperationCanceledException && Telemetry.MarkFailed(activity, exception))
        {
            throw;
        }

        outbox.Wake();
        telemetry.OrderCreated(order.Currency);
        logger.OrderCreated(order.Id, order.Items.Length, order.Currency);
        return ("created", Created(order));
    }

    private async Task<(string Result, Answer Answer)> AnswerEarlierAsync(
        EarlierRequest earlier,
        HttpResponse response,
        Activity? activity
    )
    {
        // The new order was not stored.
        activity?.SetTag("goreliable.order.id", earlier.Order?.Id.ToString());
        if (earlier.Problem is not null)
            return ("conflict", earlier.Problem);
        await database.WaitForStandbyAsync(telemetry, earlier.Order!.Id);
        response.Headers[IdempotencyKey.ReplayedHeader] = "true";
        telemetry.Replayed();
        logger.OrderReplayed(earlier.Order.Id);
        return ("replayed", Created(earlier.Order));
    }

    private static Created<Order> Created(Order order) => TypedResults.Created($"/api/v1/orders/{order.Id}", order);

    private Order NewOrder(CreateOrderRequest request)
    {
        var now = Order.Now(time);
        var total = request.Items.Sum(item => item.Quantity * item.UnitPrice);
        return new Order(
            Guid.CreateVersion7(now),
            OrderStatus.Pending,
            request.Currency,
            request.Items,
            total,
            request.ContactEmail,
            CreatedAt: now,
            UpdatedAt: now,
            Version: 1
        );
    }

    // A client that goes away ends the wait for a connection, so that no order is made that nobody waits for. Its
    // statement is not cancelled: whether it was made would be unknown.
    private async Task StoreAsync(Order order, string customerId, CancellationToken aborted)
    {
        using var query = telemetry.Query("insert_order", aborted);
        await chaos.Database.InjectAsync(aborted);
        await using var connection = await database.OpenConnectionAsync(aborted);
        query.MustFinish();
        await using var command = Command(connection, Insert, order, customerId);
        await command.ExecuteChangeAsync();
        query.Succeeded();
    }

    /// <returns>Null when the order is stored; else the outcome of the first request with this key.</returns>
    private async Task<EarlierRequest?> StoreOnceAsync(
        Order order,
        string customerId,
        KeyedRequest request,
        HttpContext context
    )
    {
        while (true)
        {
            using var query = telemetry.Query("insert_order_once", context.RequestAborted);
            await chaos.Database.InjectAsync(context.RequestAborted);
            await using var connection = await database.OpenConnectionAsync(context.RequestAborted);
            query.MustFinish();
            await using var command = Command(connection, InsertOnce, order, customerId);
            command.Parameters.AddValue(request.Key);
            command.Parameters.AddValue(request.Hash);
            var (alone, claimed, hash, first) = await command.ReadChangeAsync(row =>
                (
                    row.GetBoolean(0),
                    row.GetBoolean(1),
                    row.IsDBNull(2) ? null : row.GetFieldValue<byte[]>(2),
                    row.IsDBNull(3) ? null : Order.Read(row, first: 3)
                )
            );
            query.Succeeded();

            if (!alone)
                return new(Order: null, Problems.KeyInFlight(context.Response));
            if (claimed)
                return null;
            if (hash is null)
                continue; // The first one committed after this statement's snapshot was taken; the next one sees it.
            if (!hash.AsSpan().SequenceEqual(request.Hash))
                return new(Order: null, Problems.KeyUsedForAnotherRequest);

            return new(
                first! with
                {
                    Status = OrderStatus.Pending,
                    UpdatedAt = first.CreatedAt,
                    Version = 1,
                },
                Problem: null
            );
        }
    }

    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql, Order order, string customerId)
    {
        var command = new NpgsqlCommand(sql, connection);
        var parameters = command.Parameters;
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
        return command;
    }

    // The outcome of the first request with this key: its order, or a reason to refuse this one.
    private sealed record EarlierRequest(Order? Order, ProblemHttpResult? Problem);
}
