using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;
using GoReliable.Notifications.Messages;
using RabbitMQ.Client;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>
/// AMQP properties as JSON, readable for an operator, and back. The types of numbers are not kept. Bytes that are not
/// text are <c>{"base64": …}</c>. If headers cannot be decoded, or are nested too deeply for JSON, everything is kept
/// as it was on the wire.
/// </summary>
internal static class StoredProperties
{
    private const string Base64 = "base64";

    // As deep as an answer of the API may be.
    private const int MaxDepth = 32;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <param name="properties">Decoded.</param>
    /// <param name="wire">The same as bytes.</param>
    /// <param name="isWhole">Whether everything could be decoded.</param>
    public static byte[] Write(IReadOnlyBasicProperties properties, byte[] wire, bool isWhole)
    {
        try
        {
            return Write(properties, isWhole ? null : wire);
        }
        // Nested more deeply than that.
        catch (InvalidOperationException)
        {
            return Write(properties, wire);
        }
    }

    private static byte[] Write(IReadOnlyBasicProperties properties, byte[]? wire) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new Stored(
                properties.MessageId,
                properties.Type,
                properties.AppId,
                properties.ContentType,
                properties.ContentEncoding,
                properties.CorrelationId,
                properties.ReplyTo,
                properties.IsTimestampPresent() ? properties.Timestamp.UnixTime : null,
                properties.IsPriorityPresent() ? properties.Priority : null,
                wire,
                wire is null && properties.Headers is { } headers ? Readable(headers, depth: 2) : []
            ),
            Json
        );

    public static BasicProperties Read(byte[] json)
    {
        var stored = JsonSerializer.Deserialize<Stored>(json, Json)!;
        if (stored.Wire is { } wire)
            return new BasicProperties(RawMessage.ReadProperties(wire).Properties) { Persistent = true };
        var properties = new BasicProperties
        {
            Persistent = true,
            MessageId = stored.MessageId,
            Type = stored.Type,
            AppId = stored.AppId,
            ContentType = stored.ContentType,
            ContentEncoding = stored.ContentEncoding,
            CorrelationId = stored.CorrelationId,
            ReplyTo = stored.ReplyTo,
            Headers = stored.Headers.ToDictionary(
                header => header.Key,
                header => header.Value is JsonElement value ? Value(value) : null
            ),
        };
        if (stored.Timestamp is { } timestamp)
            properties.Timestamp = new AmqpTimestamp(timestamp);
        if (stored.Priority is { } priority)
            properties.Priority = priority;
        return properties;
    }

    private static Dictionary<string, object?> Readable(IDictionary<string, object?> table, int depth) =>
        table.ToDictionary(entry => entry.Key, entry => Readable(entry.Value, depth + 1));

    /// <param name="value">What the client library decoded.</param>
    /// <param name="depth">Of a table, a list or an object in its place.</param>
    /// <exception cref="InvalidOperationException">It is nested too deeply.</exception>
    private static object? Readable(object? value, int depth) =>
        value switch
        {
            null or bool or byte or sbyte or short or ushort or int or uint or long => value,
            float or double when double.IsFinite(Convert.ToDouble(value, CultureInfo.InvariantCulture)) =>
                Convert.ToDouble(value, CultureInfo.InvariantCulture),
            AmqpTimestamp time => time.UnixTime,
            byte[] text when Utf8.IsValid(text) => Encoding.UTF8.GetString(text),
            BinaryTableValue or IDictionary<string, object?> or IList when depth > MaxDepth =>
                throw new InvalidOperationException($"Headers are nested more than {MaxDepth} deep."),
            byte[] bytes => new Dictionary<string, object?> { [Base64] = bytes },
            BinaryTableValue binary => new Dictionary<string, object?> { [Base64] = binary.Bytes },
            IDictionary<string, object?> table => Readable(table, depth),
            IList list => list.Cast<object?>().Select(entry => Readable(entry, depth + 1)).ToList(),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture),
        };

    private static object? Value(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.True or JsonValueKind.False => value.GetBoolean(),
            JsonValueKind.Number => value.TryGetInt64(out var number) ? number : value.GetDouble(),
            JsonValueKind.String => Encoding.UTF8.GetBytes(value.GetString()!),
            JsonValueKind.Array => value.EnumerateArray().Select(Value).ToList(),
            _ when value.EnumerateObject().ToList() is [{ Name: Base64, Value.ValueKind: JsonValueKind.String } bytes]
                    && bytes.Value.TryGetBytesFromBase64(out var decoded) => decoded,
            _ => value.EnumerateObject().ToDictionary(entry => entry.Name, entry => Value(entry.Value)),
        };

    // In this order, and without those that are not set.
    private sealed record Stored(
        string? MessageId,
        string? Type,
        string? AppId,
        string? ContentType,
        string? ContentEncoding,
        string? CorrelationId,
        string? ReplyTo,
        long? Timestamp,
        byte? Priority,
        byte[]? Wire,
        Dictionary<string, object?> Headers
    );
}
