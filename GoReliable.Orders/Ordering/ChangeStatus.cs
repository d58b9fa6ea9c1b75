using GoReliable.Orders.Outbox;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Http.HttpResults;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// <c>POST /api/v1/orders/{id}/confirm</c> and <c>/cancel</c>: pending → confirmed → cancelled, pending → cancelled.
/// They can be repeated. If the order already has the state, the answer is the order as it is now; with an
/// <c>Idempotency-Key</c>, as it was at the first time.
/// </summary>
internal sealed class ChangeStatus(
    ChangeStatusStore store,
    OutboxSignal outbox,
    Telemetry telemetry,
    ILogger<ChangeStatus> logger,
    TimeProvider time
)
{
    public Task<Results<Ok<Order>, ProblemHttpResult>> ConfirmAsync(Guid id, HttpContext context, Customer customer) =>
        HandleAsync("confirm", id, context, customer.Id, OrderStatus.Confirmed);

    public Task<Results<Ok<Order>, ProblemHttpResult>> CancelAsync(Guid id, HttpContext context, Customer customer) =>
        HandleAsync("cancel", id, context, customer.Id, OrderStatus.Cancelled);

    private async Task<Results<Ok<Order>, ProblemHttpResult>> HandleAsync(
        string name,
        Guid id,
        HttpContext context,
        string customerId,
        OrderStatus to
    )
    {
        if (!IdempotencyKey.TryRead(context.Request.Headers, out var key))
            return Problems.BadIdempotencyKey;
        using var activity = Telemetry.Source.StartActivity($"{name} order");
        activity?.SetTag("goreliable.order.id", id.ToString());
        try
        {
            var request = key is null ? null : new KeyedRequest(key, KeyedRequest.HashOf(name, id));
            return await AnswerAsync(id, context.Response, customerId, to, request);
        }
        catch (Exception exception) when (Telemetry.MarkFailed(activity, exception))
        {
            throw;
        }
    }

    private async Task<Results<Ok<Order>, ProblemHttpResult>> AnswerAsync(
        Guid id,
        HttpResponse response,
        string customerId,
        OrderStatus to,
        KeyedRequest? request
    )
    {
        while (true)
        {
            var (order, first) = await store.FindAsync(id, customerId, request);
            if (first is not null && !first.Hash.AsSpan().SequenceEqual(request!.Hash))
                return Problems.KeyUsedForAnotherRequest;
            if (order is null)
                return Problems.NotFound;
            if (first is { Answer: { } answer })
            {
                await store.WaitForStandbyAsync(order);
                return Replay(answer, response);
            }
            if (order.Status != to && !IsAllowed(order.Status, to))
                return Problems.Transition(order.Status, to);

            var changed = order.Status == to ? order : WithStatus(order, to);
            switch (await store.StoreAsync(order, changed, customerId, request))
            {
                case StoreResult.KeyInFlight:
                    return Problems.KeyInFlight(response);
                case StoreResult.Outdated:
                    continue; // Another request changed it in between, or used the key: look again.
            }
            if (changed.Version > order.Version)
                Announce(order, changed);
            return TypedResults.Ok(changed);
        }
    }

    private static bool IsAllowed(OrderStatus from, OrderStatus to) =>
        (from, to)
            is
                (OrderStatus.Pending, OrderStatus.Confirmed)
                or
                (OrderStatus.Pending, OrderStatus.Cancelled)
                or
                (OrderStatus.Confirmed, OrderStatus.Cancelled);

    // Later than the change before it, whatever this machine's clock says.
    private Order WithStatus(Order order, OrderStatus to)
    {
        var now = Order.Now(time);
        return order with
        {
            Status = to,
            UpdatedAt = now > order.UpdatedAt ? now : order.UpdatedAt.AddMilliseconds(1),
            Version = order.Version + 1,
        };
    }

    private void Announce(Order order, Order changed)
    {
        outbox.Wake();
        var (from, to) = (order.Status.Text(), changed.Status.Text());
        telemetry.StatusChanged(from, to);
        logger.OrderStatusChanged(order.Id, from, to, changed.Version);
    }

    private Ok<Order> Replay(Order order, HttpResponse response)
    {
        response.Headers[IdempotencyKey.ReplayedHeader] = "true";
        telemetry.Replayed();
        logger.OrderReplayed(order.Id);
        return TypedResults.Ok(order);
    }
}
