using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using GoReliable.ServiceDefaults.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GoReliable.ServiceDefaults.Logging;

/// <summary>
/// Writes an event as one line of JSON: <c>timestamp</c>, <c>severity</c>, <c>message</c>, <c>event</c>,
/// <c>service</c>, <c>trace_id</c>, <c>span_id</c>, <c>logger</c>, the event's own fields in snake_case, and the
/// exception.
/// </summary>
/// <remarks>
/// No scopes: ASP.NET's repeat the request's path on every line, and the console's own JSON keeps the event in a tree.
/// </remarks>
internal sealed class JsonLine(ServiceResource resource)
{
    // A log line is no HTML: 'O''Brien' and '<' stay readable. Line breaks and control characters are escaped all the
    // same.
    private static readonly JsonWriterOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Field names come from message templates in the code, so they are few.
    private static readonly ConcurrentDictionary<string, string> FieldNames = new();

    private static readonly HashSet<string> OwnNames =
    [
        "timestamp",
        "severity",
        "message",
        "event",
        "service",
        "trace_id",
        "span_id",
        "logger",
        "exception_type",
        "exception_message",
        "exception_stacktrace",
    ];

    // One per thread, so a line allocates only its message. Null while in use, because formatting a message may write
    // another log line.
    [ThreadStatic]
    private static Utf8JsonWriter? writer;

    private readonly string service = resource.Name;

    /// <summary>Writes an event, with the line break.</summary>
    public void Write<TState>(in LogEntry<TState> entry, IBufferWriter<byte> output)
    {
        var json = writer ?? new Utf8JsonWriter(output, Format);
        writer = null;
        json.Reset(output);
        json.WriteStartObject();
        json.WriteString("timestamp", DateTime.UtcNow);
        json.WriteString("severity", Severity(entry.LogLevel));
        json.WriteString("message", entry.Formatter(entry.State, entry.Exception));
        if (entry.EventId.Name is { } name)
            json.WriteString("event", name);
        json.WriteString("service", service);
        // Still the caller's thread, so this is the span it works in.
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity)
        {
            json.WriteString("trace_id", activity.TraceId.ToHexString());
            json.WriteString("span_id", activity.SpanId.ToHexString());
        }
        json.WriteString("logger", entry.Category);
        if (entry.State is IReadOnlyList<KeyValuePair<string, object?>> fields)
            WriteFields(json, fields);
        if (entry.Exception is { } exception)
            WriteException(json, exception);
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
        writer = json;
    }

    private static void WriteFields(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>> fields)
    {
        for (var i = 0; i < fields.Count; i++)
        {
            // Each look at a field makes it anew.
            var (key, value) = fields[i];
            if (key == "{OriginalFormat}")
                continue;
            json.WritePropertyName(FieldNames.GetOrAdd(key, FieldName));
            WriteValue(json, value);
        }
    }

    private static string FieldName(string placeholder)
    {
        var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(placeholder);
        return OwnNames.Contains(name) ? $"{name}_" : name;
    }

    private static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool truth:
                json.WriteBooleanValue(truth);
                break;
            case int number:
                json.WriteNumberValue(number);
                break;
            case long number:
                json.WriteNumberValue(number);
                break;
            case decimal number:
                json.WriteNumberValue(number);
                break;
            case double number when double.IsFinite(number):
                json.WriteNumberValue(number);
                break;
            case Guid id:
                json.WriteStringValue(id);
                break;
            case DateTimeOffset time:
                json.WriteStringValue(time.UtcDateTime);
                break;
            case IFormattable other:
                json.WriteStringValue(other.ToString(null, CultureInfo.InvariantCulture));
                break;
            default:
                json.WriteStringValue(value.ToString());
                break;
        }
    }

    private static void WriteException(Utf8JsonWriter json, Exception exception)
    {
        json.WriteString("exception_type", exception.GetType().FullName);
        json.WriteString("exception_message", exception.Message);
        json.WriteString("exception_stacktrace", exception.ToString());
    }

    // OpenTelemetry's short names: https://opentelemetry.io/docs/specs/otel/logs/data-model/#displaying-severity
    private static string Severity(LogLevel level) =>
        level switch
        {
            LogLevel.Trace => "TRACE",
            LogLevel.Debug => "DEBUG",
            LogLevel.Information => "INFO",
            LogLevel.Warning => "WARN",
            LogLevel.Error => "ERROR",
            _ => "FATAL",
        };
}
