namespace GoReliable.Notifications.Messages;

/// <summary>
/// Headers that the worker reads and writes; <see cref="TraceParent"/> and <see cref="TraceState"/> are the
/// publisher's.
/// </summary>
internal static class MessageHeaders
{
    public const string TraceParent = "traceparent";
    public const string TraceState = "tracestate";

    /// <summary>Number of attempts that failed.</summary>
    public const string Attempt = "x-attempt";

    /// <summary>When the first of them failed, RFC 3339.</summary>
    public const string FirstFailure = "x-first-failure";

    /// <summary>How often the next attempt was put off, because the recipient or the mail server was busy.</summary>
    public const string Deferrals = "x-deferrals";

    /// <summary>
    /// The broker's own: how often the message came back to its queue. Some versions do not count what a consumer put
    /// back itself: https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
    /// </summary>
    public const string DeliveryCount = "x-delivery-count";

    /// <summary>When the message was given up, RFC 3339.</summary>
    public const string DeadAt = "x-dead-at";

    /// <summary>How often an operator put it back.</summary>
    public const string Redriven = "x-redriven";

    /// <summary>
    /// Why it was given up: <c>unreadable</c>, <c>unknown_type</c>, <c>incomplete</c>, <c>rejected</c>, <c>fatal</c> or
    /// <c>retries_exhausted</c>. What the worker parks has <c>undecodable</c> or <c>too_large</c> in its table (these
    /// two are never in a header).
    /// </summary>
    public const string DeadReason = "x-dead-reason";

    public const string ExceptionType = "x-exception-type";
    public const string ExceptionMessage = "x-exception-message";
}
