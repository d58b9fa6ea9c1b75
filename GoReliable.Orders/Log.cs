namespace GoReliable.Orders;

/// <summary>All log events of the order service. No customer, address or body in any of them.</summary>
internal static partial class Log
{
    [LoggerMessage(
        EventName = "order.created",
        Level = LogLevel.Information,
        Message = "Order {OrderId} created with {ItemCount} item(s) in {Currency}"
    )]
    public static partial void OrderCreated(this ILogger logger, Guid orderId, int itemCount, string currency);

    [LoggerMessage(
        EventName = "order.replayed",
        Level = LogLevel.Information,
        Message = "Order {OrderId} returned again for the same Idempotency-Key"
    )]
    public static partial void OrderReplayed(this ILogger logger, Guid orderId);

    [LoggerMessage(
        EventName = "order.status_changed",
        Level = LogLevel.Information,
        Message = "Order {OrderId} went from {From} to {To}, version {Version}"
    )]
    public static partial void OrderStatusChanged(
        this ILogger logger,
        Guid orderId,
        string from,
        string to,
        int version
    );

    [LoggerMessage(EventName = "outbox.relayed", Level = LogLevel.Debug, Message = "Relayed {Count} outbox messages")]
    public static partial void OutboxRelayed(this ILogger logger, int count);

    [LoggerMessage(
        EventName = "outbox.publish_failed",
        Level = LogLevel.Warning,
        Message = "{Count} outbox message(s) were not confirmed and are tried again, first event {EventId} of "
            + "order {OrderId}: {Reason}"
    )]
    public static partial void OutboxPublishFailed(
        this ILogger logger,
        int count,
        Guid eventId,
        Guid orderId,
        string reason
    );

    [LoggerMessage(
        EventName = "outbox.set_aside",
        Level = LogLevel.Error,
        Message = "{Count} outbox message(s) wait for an operator after their last attempt, first event {EventId} "
            + "of order {OrderId}: {Reason}"
    )]
    public static partial void OutboxSetAside(
        this ILogger logger,
        int count,
        Guid eventId,
        Guid orderId,
        string reason
    );

    [LoggerMessage(
        EventName = "outbox.redriven",
        Level = LogLevel.Information,
        Message = "{Count} order(s) that were set aside are tried again, requested by {Operator}"
    )]
    public static partial void OutboxRedriven(this ILogger logger, int count, string @operator);

    [LoggerMessage(
        EventName = "outbox.discarded",
        Level = LogLevel.Warning,
        Message = "Outbox message {EventId} of order {OrderId} was discarded by {Operator}: {Reason}"
    )]
    public static partial void OutboxDiscarded(
        this ILogger logger,
        Guid eventId,
        Guid orderId,
        string reason,
        string @operator
    );

    [LoggerMessage(
        EventName = "outbox.relay_interrupted",
        Level = LogLevel.Warning,
        Message = "Outbox relay interrupted, trying again in {Delay}: {Reason}"
    )]
    public static partial void OutboxRelayInterrupted(this ILogger logger, TimeSpan delay, string reason);

    [LoggerMessage(
        EventName = "outbox.sample_failed",
        Level = LogLevel.Warning,
        Message = "Outbox cannot be sampled, so its gauges are missing: {Reason}"
    )]
    public static partial void OutboxSampleFailed(this ILogger logger, string reason);
}
