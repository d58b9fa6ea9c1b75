using System.Diagnostics;

namespace OtlpReceiver.Protocol;

/// <summary>From OTLP's traces to <see cref="ReceivedSpan"/>.</summary>
internal static class SpanReader
{
    public static IEnumerable<ReceivedSpan> Read(TracesRequest request) =>
        from sender in request.ResourceSpans
        let resource = Values.Read(sender.Resource?.Attributes)
        from source in sender.ScopeSpans
        from span in source.Spans
        select Read(span, resource, source.Scope?.Name ?? "");

    private static ReceivedSpan Read(Span span, IReadOnlyDictionary<string, object?> resource, string scope) =>
        new()
        {
            Resource = resource,
            Scope = scope,
            Name = span.Name,
            Kind = Kind(span.Kind),
            TraceId = Values.Id(span.TraceId),
            SpanId = Values.Id(span.SpanId),
            ParentSpanId = Values.OptionalId(span.ParentSpanId),
            Start = Values.Time(span.StartTimeUnixNano),
            End = Values.Time(span.EndTimeUnixNano),
            Status = Status(span.Status?.Code),
            StatusMessage = span.Status?.Message ?? "",
            Attributes = Values.Read(span.Attributes),
            Events =
            [
                .. span.Events.Select(e => new ReceivedSpanEvent(
                    e.Name,
                    Values.Time(e.TimeUnixNano),
                    Values.Read(e.Attributes)
                )),
            ],
            Links =
            [
                .. span.Links.Select(l => new ReceivedSpanLink(
                    Values.Id(l.TraceId),
                    Values.Id(l.SpanId),
                    Values.Read(l.Attributes)
                )),
            ],
        };

    // An unknown kind is to be taken as internal: https://opentelemetry.io/docs/specs/otel/trace/api/#spankind
    private static ActivityKind Kind(Span.Types.Kind kind) =>
        kind switch
        {
            Span.Types.Kind.Server => ActivityKind.Server,
            Span.Types.Kind.Client => ActivityKind.Client,
            Span.Types.Kind.Producer => ActivityKind.Producer,
            Span.Types.Kind.Consumer => ActivityKind.Consumer,
            _ => ActivityKind.Internal,
        };

    private static ActivityStatusCode Status(Span.Types.Status.Types.Code? code) =>
        code switch
        {
            Span.Types.Status.Types.Code.Ok => ActivityStatusCode.Ok,
            Span.Types.Status.Types.Code.Error => ActivityStatusCode.Error,
            _ => ActivityStatusCode.Unset,
        };
}
