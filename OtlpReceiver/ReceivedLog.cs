using Microsoft.Extensions.Logging;

namespace OtlpReceiver;

/// <summary>One log record.</summary>
public sealed record ReceivedLog : ReceivedItem
{
    public required DateTimeOffset Time { get; init; }

    /// <summary>
    /// OTLP's 24 severities in steps of four; <see cref="LogLevel.None"/> where the sender gave none.
    /// </summary>
    public required LogLevel Level { get; init; }

    /// <summary>The message, or the template where the sender does not format messages.</summary>
    public required string Body { get; init; }

    /// <summary>The stable name of the event, such as <c>order.created</c>; empty where the sender gave none.</summary>
    public required string EventName { get; init; }

    /// <summary>32 hex digits; null for a record written outside any trace.</summary>
    public required string? TraceId { get; init; }

    /// <summary>16 hex digits; null for a record written outside any span.</summary>
    public required string? SpanId { get; init; }

    /// <summary>One line: time, level, service, event and message.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"{Time:HH:mm:ss.fff} {Level} [{Service}] {EventName} {Body}");
}
