using System.Diagnostics;

namespace OtlpReceiver;

/// <summary>One finished span. Ids are lower-case hex.</summary>
public sealed record ReceivedSpan : ReceivedItem
{
    public required string Name { get; init; }

    public required ActivityKind Kind { get; init; }

    /// <summary>32 hex digits.</summary>
    public required string TraceId { get; init; }

    /// <summary>16 hex digits.</summary>
    public required string SpanId { get; init; }

    /// <summary>16 hex digits; null for the first span of a trace.</summary>
    public required string? ParentSpanId { get; init; }

    public required DateTimeOffset Start { get; init; }

    public required DateTimeOffset End { get; init; }

    public required ActivityStatusCode Status { get; init; }

    /// <summary>What the sender said about an error; often empty.</summary>
    public required string StatusMessage { get; init; }

    public required IReadOnlyList<ReceivedSpanEvent> Events { get; init; }

    public required IReadOnlyList<ReceivedSpanLink> Links { get; init; }

    public TimeSpan Duration => End - Start;

    /// <summary>One line: kind and service, name, duration, status, events and links.</summary>
    public override string ToString()
    {
        var status = Status == ActivityStatusCode.Error ? $" ERROR {StatusMessage}".TrimEnd() : $" {Status}";
        var events = string.Concat(Events.Select(e => $" !{e.Name}"));
        var links = string.Concat(Links.Select(l => $" ->{l.TraceId}/{l.SpanId}"));
        var kind = Kind.ToString().ToUpperInvariant();
        return FormattableString.Invariant(
            $"{Name} [{kind} {Service}] {Duration.TotalMilliseconds:0.0} ms{status}{events}{links} ({SpanId})"
        );
    }
}

/// <summary>Something that happened during a span, such as a recorded exception.</summary>
public sealed record ReceivedSpanEvent(
    string Name,
    DateTimeOffset Time,
    IReadOnlyDictionary<string, object?> Attributes
);

/// <summary>A reference from a span to another one, which may be in another trace.</summary>
public sealed record ReceivedSpanLink(string TraceId, string SpanId, IReadOnlyDictionary<string, object?> Attributes);
