using System.Text.Json;
using System.Text.Json.Serialization;
using GoReliable.Messaging;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// An order event as a CloudEvent 1.0 in structured JSON:
/// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md.
/// </summary>
internal sealed record OrderEvent(
    [property: JsonPropertyName("specversion")] string SpecVersion,
    Guid Id,
    string Source,
    string Type,
    string Subject,
    DateTime Time,
    [property: JsonPropertyName("datacontenttype")] string DataContentType,
    OrderEventData Data
)
{
    /// <summary>What happened to an order that is in this state now: the routing key.</summary>
    public static string RoutingKey(OrderStatus status) =>
        status switch
        {
            OrderStatus.Pending => "order.created",
            OrderStatus.Confirmed => "order.confirmed",
            _ => "order.cancelled",
        };

    /// <summary>
    /// Serialises the event of the change that led to <paramref name="order"/>; these bytes go to the broker as they
    /// are.
    /// </summary>
    public static byte[] Serialize(Guid id, Order order, string customerId)
    {
        var data = new OrderEventData(
            order.Id,
            customerId,
            order.Status,
            order.Currency,
            order.Items,
            order.Total,
            order.ContactEmail,
            order.CreatedAt,
            order.UpdatedAt,
            order.Version
        );
        var orderEvent = new OrderEvent(
            "1.0",
            id,
            "/goreliable/orders",
            CloudEvents.TypeOf(RoutingKey(order.Status)),
            order.Id.ToString(),
            order.UpdatedAt,
            "application/json",
            data
        );
        return JsonSerializer.SerializeToUtf8Bytes(orderEvent, OrdersJson.Default.OrderEvent);
    }
}

/// <summary>The order after the change.</summary>
internal sealed record OrderEventData(
    Guid OrderId,
    string CustomerId,
    OrderStatus Status,
    string Currency,
    OrderItem[] Items,
    decimal Total,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ContactEmail,
    DateTime CreatedAt,
    DateTime UpdatedAt,
    int Version
);
