namespace GoReliable.Orders;

/// <summary>All log events of the order service. No customer, address or body in any of them.</summary>
internal static partial class Log
{
    [LoggerMessage(EventName = "order.created", Level = LogLevel.Information, Message = "Order {OrderId} created with {ItemCount} items in {Currency}")]
    public static partial void OrderCreated(this ILogger logger, Guid orderId, int itemCount, string currency);

    [LoggerMessage(EventName = "order.replayed", Level = LogLevel.Information, Message = "Order {OrderId} answered again to the same Idempotency-Key")]
    public static partial void OrderReplayed(this ILogger logger, Guid orderId);

    [LoggerMessage(EventName = "order.status_changed", Level = LogLevel.Information, Message = "Order {OrderId} went from {From} to {To}, version {Version}")]
    public static partial void OrderStatusChanged(this ILogger logger, Guid orderId, string from, string to, int version);

    [LoggerMessage(EventName = "outbox.relayed", Level = LogLevel.Debug, Message = "Relayed {Count} outbox messages")]
    public static partial void OutboxRelayed(this ILogger logger, int count);

    [LoggerMessage(EventName = "outbox.publish_failed", Level = LogLevel.Warning, Message = "Outbox message {EventId} of order {OrderId} was not confirmed, it stays: {Reason}")]
    public static partial void OutboxPublishFailed(this ILogger logger, Guid eventId, Guid orderId, string reason);

    [LoggerMessage(EventName = "outbox.relay_interrupted", Level = LogLevel.Warning, Message = "Outbox relay interrupted, trying again in {Delay}: {Reason}")]
    public static partial void OutboxRelayInterrupted(this ILogger logger, TimeSpan delay, string reason);

    [LoggerMessage(EventName = "outbox.sample_failed", Level = LogLevel.Warning, Message = "Outbox could not be sampled, its gauges are empty until it can: {Reason}")]
    public static partial void OutboxSampleFailed(this ILogger logger, string reason);
}
