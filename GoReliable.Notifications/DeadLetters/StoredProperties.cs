using System.Collections;
using System.Globalization;
using System.Text;
using System.Text.Json;
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
    private const string Wire = "wire";

    // As deep as an answer of the API may be.
    private const int MaxDepth = 32;

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

    private static byte[] Write(IReadOnlyBasicProperties properties, byte[]? wire)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new() { MaxDepth = MaxDepth }))
        {
            json.WriteStartObject();
            Text(json, "messageId", properties.MessageId);
            Text(json, "type", properties.Type);
            Text(json, "appId", properties.AppId);
            Text(json, "contentType", properties.ContentType);
            Text(json, "contentEncoding", properties.ContentEncoding);
            Text(json, "correlationId", properties.CorrelationId);
            Text(json, "replyTo", properties.ReplyTo);
            if (properties.IsTimestampPresent())
                json.WriteNumber("timestamp", properties.Timestamp.UnixTime);
            if (properties.IsPriorityPresent())
                json.WriteNumber("priority", properties.Priority);
            if (wire is not null)
                json.WriteBase64String(Wire, wire);
            json.WritePropertyName("headers");
            Value(
                json,
                wire is null && properties.Headers is { } headers ? headers : new Dictionary<string, object?>()
            );
            json.WriteEndObject();
        }
        return bytes.ToArray();
    }

    public static BasicProperties Read(ReadOnlyMemory<byte> stored)
    {
        using var json = JsonDocument.Parse(stored);
        var root = json.RootElement;
        if (root.TryGetProperty(Wire, out var wire))
            return new BasicProperties(RawMessage.ReadProperties(wire.GetBytesFromBase64()).Properties)
            {
                Persistent = true,
            };
        var properties = new BasicProperties
        {
            Persistent = true,
            MessageId = Text("messageId"),
            Type = Text("type"),
            AppId = Text("appId"),
            ContentType = Text("contentType"),
            ContentEncoding = Text("contentEncoding"),
            CorrelationId = Text("correlationId"),
            ReplyTo = Text("replyTo"),
            Headers = root.GetProperty("headers")
                .EnumerateObject()
                .ToDictionary(header => header.Name, header => Value(header.Value)),
        };
        if (root.TryGetProperty("timestamp", out var timestamp))
            properties.Timestamp = new AmqpTimestamp(timestamp.GetInt64());
        if (root.TryGetProperty("priority", out var priority))
            properties.Priority = priority.GetByte();
        return properties;

        string? Text(string name) => root.TryGetProperty(name, out var text) ? text.GetString() : null;
    }

    private static void Text(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
            json.WriteString(name, text);
    }

    private static void Value(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case byte[] text when Utf8.IsValid(text):
                json.WriteStringValue(text);
                break;
            case byte[] bytes:
                json.WriteStartObject();
                json.WriteBase64String(Base64, bytes);
                json.WriteEndObject();
                break;
            case byte or sbyte or short or ushort or int or uint or long:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case float or double when double.IsFinite(Convert.ToDouble(value, CultureInfo.InvariantCulture)):
                json.WriteNumberValue(Convert.ToDouble(value, CultureInfo.InvariantCulture));
                break;
            case BinaryTableValue { Bytes: var binary }:
                json.WriteStartObject();
                json.WriteBase64String(Base64, binary);
                json.WriteEndObject();
                break;
            case AmqpTimestamp time:
                json.WriteNumberValue(time.UnixTime);
                break;
            case IDictionary<string, object?> table:
                json.WriteStartObject();
                foreach (var (name, entry) in table)
                {
                    json.WritePropertyName(name);
                    Value(json, entry);
                }
                json.WriteEndObject();
                break;
            case IList list:
                json.WriteStartArray();
                foreach (var entry in list)
                    Value(json, entry);
                json.WriteEndArray();
                break;
            default:
                json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

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
}
