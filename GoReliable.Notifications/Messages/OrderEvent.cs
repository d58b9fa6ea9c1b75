namespace GoReliable.Notifications.Messages;

/// <summary>
/// What the worker needs to know of an order event, and no more. Events of one order may arrive in any order; their
/// versions tell the right one.
/// </summary>
internal sealed record OrderEvent(
    Guid Id,
    OrderEventType Type,
    DateTimeOffset Time,
    Guid OrderId,
    string CustomerId,
    string? ContactEmail,
    decimal? Total,
    string? Currency,
    int? Version
);

/// <summary>
/// An event that the worker understands: its CloudEvents type, its short name, and what it tells a customer.
/// </summary>
internal sealed record OrderEventType(string CloudEventsType, string Name, string Wording)
{
    /// <summary>The name where the type could not be told.</summary>
    public const string Unknown = "unknown";

    public static IReadOnlyList<OrderEventType> All { get; } =
    [
        new("goreliable.order.created.v1", "order.created", "received"),
        new("goreliable.order.confirmed.v1", "order.confirmed", "confirmed"),
        new("goreliable.order.cancelled.v1", "order.cancelled", "cancelled"),
    ];

    public static OrderEventType? Find(string? cloudEventsType) =>
        All.FirstOrDefault(type => type.CloudEventsType == cloudEventsType);
}
