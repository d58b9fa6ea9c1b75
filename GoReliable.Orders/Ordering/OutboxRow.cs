using System.Diagnostics;
using GoReliable.Database;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// How a change of an order becomes a row of the outbox, inside the statement that stores the change.
/// </summary>
internal static class OutboxRow
{
    /// <summary>
    /// Adds the values of <c>event_id, type, body, traceparent, tracestate</c>. The trace context is the current
    /// span's: the row may be published after a crash, by another process, and still belongs to this trace.
    /// </summary>
    public static void AddEvent(this NpgsqlParameterCollection parameters, Order order, string customerId)
    {
        var id = Guid.CreateVersion7(order.UpdatedAt);
        var activity = Activity.Current;
        parameters.AddValue(id);
        parameters.AddValue(OrderEvent.RoutingKey(order.Status));
        parameters.AddValue(OrderEvent.Serialize(id, order, customerId));
        parameters.AddValue(activity?.Id);
        parameters.AddValue(activity?.TraceStateString);
    }
}
