using System.Globalization;
using Microsoft.Extensions.Logging;

namespace OtlpReceiver.Protocol;

/// <summary>From OTLP's logs to <see cref="ReceivedLog"/>.</summary>
internal static class LogReader
{
    public static IEnumerable<ReceivedLog> Read(LogsRequest request) =>
        from sender in request.ResourceLogs
        let resource = Values.Read(sender.Resource?.Attributes)
        from source in sender.ScopeLogs
        from record in source.LogRecords
        select Read(record, resource, source.Scope?.Name ?? "");

    private static ReceivedLog Read(LogRecord record, IReadOnlyDictionary<string, object?> resource, string scope) =>
        new()
        {
            Resource = resource,
            Scope = scope,
            // The time of the event is optional, the time it was observed is not.
            Time = Values.Time(record.TimeUnixNano != 0 ? record.TimeUnixNano : record.ObservedTimeUnixNano),
            Level = Level(record.SeverityNumber),
            Body = Convert.ToString(Values.Read(record.Body), CultureInfo.InvariantCulture) ?? "",
            EventName = record.EventName,
            TraceId = Values.OptionalId(record.TraceId),
            SpanId = Values.OptionalId(record.SpanId),
            Attributes = Values.Read(record.Attributes),
        };

    private static LogLevel Level(int severity) =>
        severity switch
        {
            >= 1 and <= 4 => LogLevel.Trace,
            <= 8 and > 4 => LogLevel.Debug,
            <= 12 and > 8 => LogLevel.Information,
            <= 16 and > 12 => LogLevel.Warning,
            <= 20 and > 16 => LogLevel.Error,
            <= 24 and > 20 => LogLevel.Critical,
            _ => LogLevel.None,
        };
}
