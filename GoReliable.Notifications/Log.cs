namespace GoReliable.Notifications;

/// <summary>Every log event of the notification worker. No address, no name, no body: ids only.</summary>
internal static partial class Log
{
    [LoggerMessage(
        EventName = "notification.delivered",
        Level = LogLevel.Information,
        Message = "Delivered {EventType} of order {OrderId} by {Channel}, attempt {Attempt}"
    )]
    public static partial void NotificationDelivered(
        this ILogger logger,
        string eventType,
        Guid orderId,
        string channel,
        int attempt
    );

    [LoggerMessage(
        EventName = "notification.duplicate",
        Level = LogLevel.Information,
        Message = "Event {EventId} of order {OrderId} was handled before"
    )]
    public static partial void NotificationDuplicate(this ILogger logger, Guid eventId, Guid orderId);

    [LoggerMessage(
        EventName = "notification.retried",
        Level = LogLevel.Warning,
        Message = "Attempt {Attempt} to deliver {EventType} of order {OrderId} failed, next in {Delay}: {Error}"
    )]
    public static partial void NotificationRetried(
        this ILogger logger,
        string eventType,
        Guid orderId,
        int attempt,
        TimeSpan delay,
        string error
    );

    [LoggerMessage(
        EventName = "notification.dead_lettered",
        Level = LogLevel.Error,
        Message = "Message {MessageId} ({EventType}) dead-lettered after {Attempt} attempt(s), {Reason}: {Error}"
    )]
    public static partial void NotificationDeadLettered(
        this ILogger logger,
        string? messageId,
        string eventType,
        int attempt,
        string reason,
        string error
    );

    [LoggerMessage(
        EventName = "notification.deferred",
        Level = LogLevel.Information,
        Message = "{EventType} of order {OrderId} waits {Delay}: its recipient or the mail server is slow, or "
            + "it is being delivered already"
    )]
    public static partial void NotificationDeferred(
        this ILogger logger,
        string eventType,
        Guid orderId,
        TimeSpan delay
    );

    [LoggerMessage(
        EventName = "notification.forward_failed",
        Level = LogLevel.Error,
        Message = "Queue {Queue} does not take a message, trying again every second: {Error}"
    )]
    public static partial void ForwardFailed(this ILogger logger, string queue, string error);

    [LoggerMessage(
        EventName = "dead_letter.stored",
        Level = LogLevel.Warning,
        Message = "Dead letter {DeadLetterId} ({EventType}) waits for an operator: {Reason} after {Attempts} "
            + "attempt(s), trace {OriginalTraceId}"
    )]
    public static partial void DeadLetterStored(
        this ILogger logger,
        Guid deadLetterId,
        string eventType,
        string reason,
        int attempts,
        string? originalTraceId
    );

    [LoggerMessage(
        EventName = "dead_letter.not_stored",
        Level = LogLevel.Warning,
        Message = "Dead letters cannot be stored and wait in their queue: {Reason}"
    )]
    public static partial void DeadLettersNotStored(this ILogger logger, string reason);

    [LoggerMessage(
        EventName = "dead_letter.redriven",
        Level = LogLevel.Information,
        Message = "Dead letter {DeadLetterId} ({EventType}, {Reason}) put back into the queue by {Operator}, "
            + "trace {OriginalTraceId}"
    )]
    public static partial void DeadLetterRedriven(
        this ILogger logger,
        Guid deadLetterId,
        string eventType,
        string reason,
        string @operator,
        string? originalTraceId
    );

    [LoggerMessage(
        EventName = "dead_letter.discarded",
        Level = LogLevel.Warning,
        Message = "Dead letter {DeadLetterId} ({EventType}, {Reason}) discarded by {Operator}, trace {OriginalTraceId}"
    )]
    public static partial void DeadLetterDiscarded(
        this ILogger logger,
        Guid deadLetterId,
        string eventType,
        string reason,
        string @operator,
        string? originalTraceId
    );

    [LoggerMessage(EventName = "consumer.started", Level = LogLevel.Information, Message = "Consuming from {Queue}")]
    public static partial void ConsumerStarted(this ILogger logger, string queue);

    [LoggerMessage(
        EventName = "consumer.interrupted",
        Level = LogLevel.Warning,
        Message = "Consuming interrupted, starting again: {Reason}"
    )]
    public static partial void ConsumerInterrupted(this ILogger logger, string reason);

    [LoggerMessage(
        EventName = "consumer.batch_failed",
        Level = LogLevel.Error,
        Message = "Handling {Messages} message(s) failed unexpectedly; none is lost"
    )]
    public static partial void BatchFailed(this ILogger logger, Exception exception, int messages);

    [LoggerMessage(
        EventName = "consumer.message_suspected",
        Level = LogLevel.Warning,
        Message = "Message {MessageId} came back {Returns} times, and the worker ended {Deaths} time(s) when it read it"
    )]
    public static partial void MessageSuspected(this ILogger logger, string? messageId, int returns, int deaths);

    [LoggerMessage(
        EventName = "leases.not_renewed",
        Level = LogLevel.Warning,
        Message = "Leases of deliveries under way cannot be renewed, another worker may take them over: {Reason}"
    )]
    public static partial void LeasesNotRenewed(this ILogger logger, string reason);

    [LoggerMessage(
        EventName = "database.unavailable",
        Level = LogLevel.Warning,
        Message = "Database unavailable, messages wait for it: {Reason}"
    )]
    public static partial void DatabaseUnavailable(this ILogger logger, string reason);

    [LoggerMessage(
        EventName = "database.available",
        Level = LogLevel.Information,
        Message = "Database available again"
    )]
    public static partial void DatabaseAvailable(this ILogger logger);

    [LoggerMessage(
        EventName = "queues.not_sampled",
        Level = LogLevel.Warning,
        Message = "Queues cannot be sampled, so their gauges are missing: {Reason}"
    )]
    public static partial void QueuesNotSampled(this ILogger logger, string reason);
}
