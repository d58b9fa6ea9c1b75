using System.Diagnostics;
using GoReliable.Orders.Outbox;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Answer = Microsoft.AspNetCore.Http.HttpResults.Results<
    Microsoft.AspNetCore.Http.HttpResults.Created<GoReliable.Orders.Ordering.Order>,
    Microsoft.AspNetCore.Http.HttpResults.ValidationProblem,
    Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult
>;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// <c>POST /api/v1/orders</c>. With an <c>Idempotency-Key</c> a repeated request gets the first answer
/// (draft-ietf-httpapi-idempotency-key-header).
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
    // One commit for all is worth some waiting.
    private readonly StatementBatcher inserts = new(database, goal: TimeSpan.FromMilliseconds(250), time);

    public async Task<Answer> HandleAsync(HttpContext context, Customer customer)
    {
        if (!IdempotencyKey.TryRead(context.Request.Headers, out var key))
            return Problems.BadIdempotencyKey;
        var (body, problem) = await RequestBody.ReadAsync(context.Request);
        if (body is null)
            return problem!;
        var request = body.Normalize(out var errors);
        if (errors is not null)
            return TypedResults.ValidationProblem(errors);

        var order = NewOrder(request);
        using var activity = Telemetry.Source.StartActivity("create order");
        activity
            ?.SetTag("goreliable.order.id", order.Id.ToString())
            .SetTag("goreliable.order.item_count", order.Items.Length)
            .SetTag("goreliable.order.currency", order.Currency);
        try
        {
            var keyed = key is null ? null : new KeyedRequest(key, request.Hash());
            if (await StoreAsync(order, customer.Id, keyed, context) is { } earlier)
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
        return Created(order);
    }

    private async Task<Answer> AnswerEarlierAsync(EarlierRequest earlier, HttpResponse response, Activity? activity)
    {
        // The new order was not stored.
        activity?.SetTag("goreliable.order.id", earlier.Order?.Id.ToString());
        if (earlier.Problem is not null)
            return earlier.Problem;
        await database.WaitForStandbyAsync(telemetry, earlier.Order!.Id);
        response.Headers[IdempotencyKey.ReplayedHeader] = "true";
        telemetry.Replayed();
        logger.OrderReplayed(earlier.Order.Id);
        return Created(earlier.Order);
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

    /// <returns>Null when the order is stored; else the outcome of the first request with its key.</returns>
    private async Task<EarlierRequest?> StoreAsync(
        Order order,
        string customerId,
        KeyedRequest? request,
        HttpContext context
    )
    {
        while (true)
        {
            var stored = await TryStoreAsync(new InsertOrder(order, customerId, request), context.RequestAborted);
            if (!stored.IsAlone)
                return new(Order: null, Problems.KeyInFlight(context.Response));
            if (stored.IsStored)
                return null;
            if (stored.FirstHash is null)
                continue; // The first one committed after this statement's snapshot was taken; the next one sees it.
            if (!stored.FirstHash.AsSpan().SequenceEqual(request!.Hash))
                return new(Order: null, Problems.KeyUsedForAnotherRequest);

            var first = stored.FirstOrder!;
            return new(
                first with
                {
                    Status = OrderStatus.Pending,
                    UpdatedAt = first.CreatedAt,
                    Version = 1,
                },
                Problem: null
            );
        }
    }

    private async Task<InsertOutcome> TryStoreAsync(InsertOrder insert, CancellationToken aborted)
    {
        using var query = telemetry.Query(insert.QueryName, aborted);
        try
        {
            await chaos.Database.InjectAsync(aborted);
            var outcome = await inserts.ExecuteAsync(insert, aborted);
            query.Succeeded();
            return outcome;
        }
        // A statement that fails is an error of ours, also when its caller has given up by then.
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            query.Result = "error";
            throw;
        }
    }

    // The outcome of the first request with this key: its order, or a reason to refuse this one.
    private sealed record EarlierRequest(Order? Order, ProblemHttpResult? Problem);
}
