using GoReliable.Orders.Outbox;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary><c>POST /api/v1/orders/{id}/confirm</c> and <c>/cancel</c>: pending → confirmed → cancelled, pending → cancelled.</summary>
internal sealed class ChangeStatus(NpgsqlDataSource database, ChaosSwitches chaos, GetOrder orders, OutboxSignal outbox, Telemetry telemetry, ILogger<ChangeStatus> logger, TimeProvider time)
{
    // Changes the version that was read, or nothing; row and event in one statement, so in one commit.
    private const string Update = """
        -- UPDATE order
        WITH changed AS (
            UPDATE orders SET status = $3, updated_at = $4, version = version + 1
            WHERE id = $1 AND version = $2
            RETURNING id
        )
        INSERT INTO outbox (event_id, order_id, type, body, traceparent, tracestate, created_at)
        SELECT $5, id, $6, $7, $8, $9, $4 FROM changed
        """;

    public static Task<Results<Ok<Order>, ProblemHttpResult>> ConfirmAsync(Guid id, Customer customer, ChangeStatus handler) =>
        handler.HandleAsync("confirm", id, customer.Id, OrderStatus.Confirmed);

    public static Task<Results<Ok<Order>, ProblemHttpResult>> CancelAsync(Guid id, Customer customer, ChangeStatus handler) =>
        handler.HandleAsync("cancel", id, customer.Id, OrderStatus.Cancelled);

    private async Task<Results<Ok<Order>, ProblemHttpResult>> HandleAsync(string name, Guid id, string customerId, OrderStatus to)
    {
        using var operation = telemetry.Operation(name);
        using var activity = Telemetry.Source.StartActivity($"{name} order");
        activity?.SetTag("goreliable.order.id", id.ToString());
        try
        {
            var (result, answer) = await AnswerAsync(id, customerId, to);
            operation.Result = result;
            return answer;
        }
        catch (Exception exception) when (Telemetry.Failed(activity, exception))
        {
            throw;
        }
    }

    private async Task<(string Result, Results<Ok<Order>, ProblemHttpResult> Answer)> AnswerAsync(Guid id, string customerId, OrderStatus to)
    {
        while (true)
        {
            var order = await orders.FindAsync(id, customerId, CancellationToken.None);
            if (order is null)
                return ("not_found", Problems.NotFound);
            if (!IsAllowed(order.Status, to))
                return ("conflict", Problems.Transition(order.Status, to));

            // After the change that came first, whatever this machine's clock says.
            var at = Order.Now(time);
            var changed = order with { Status = to, UpdatedAt = at > order.UpdatedAt ? at : order.UpdatedAt.AddMilliseconds(1), Version = order.Version + 1 };
            if (!await StoreAsync(changed, customerId))
                continue; // Somebody else changed it in between: look again.

            outbox.Wake();
            var (old, now) = (order.Status.Text(), to.Text());
            telemetry.StatusChanged(old, now);
            logger.OrderStatusChanged(id, old, now, changed.Version);
            return ("ok", TypedResults.Ok(changed));
        }
    }

    private static bool IsAllowed(OrderStatus from, OrderStatus to) => (from, to) is
        (OrderStatus.Pending, OrderStatus.Confirmed) or
        (OrderStatus.Pending, OrderStatus.Cancelled) or
        (OrderStatus.Confirmed, OrderStatus.Cancelled);

    private async Task<bool> StoreAsync(Order changed, string customerId)
    {
        using var query = telemetry.Query("update_order");
        await chaos.Database.StrikeAsync(CancellationToken.None);
        await using var connection = await database.OpenConnectionAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand(Update, connection);
        var parameters = command.Parameters;
        parameters.Add(new NpgsqlParameter<Guid> { TypedValue = changed.Id });
        parameters.Add(new NpgsqlParameter<int> { TypedValue = changed.Version - 1 });
        parameters.Add(new NpgsqlParameter<string> { TypedValue = changed.Status.Text() });
        parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = changed.UpdatedAt });
        parameters.AddEvent(changed, customerId);
        var stored = await command.ChangeAsync() == 1;
        query.Succeeded();
        return stored;
    }
}
