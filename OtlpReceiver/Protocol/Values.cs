using Google.Protobuf;
using Google.Protobuf.Collections;

namespace OtlpReceiver.Protocol;

/// <summary>Reads OTLP's basic shapes: attributes, times and ids.</summary>
internal static class Values
{
    public static IReadOnlyDictionary<string, object?> Read(RepeatedField<KeyValue>? attributes)
    {
        // The last one wins where a sender repeats a key; OTLP leaves that open.
        var read = new Dictionary<string, object?>(attributes?.Count ?? 0);
        foreach (var attribute in attributes ?? [])
        {
            read[attribute.Key] = Read(attribute.Value);
        }

        return read;
    }

    public static object? Read(AnyValue? value) =>
        value?.ValueCase switch
        {
            AnyValue.ValueOneofCase.Text => value.Text,
            AnyValue.ValueOneofCase.Flag => value.Flag,
            AnyValue.ValueOneofCase.Integer => value.Integer,
            AnyValue.ValueOneofCase.Number => value.Number,
            AnyValue.ValueOneofCase.List => value.List.Values.Select(Read).ToList(),
            AnyValue.ValueOneofCase.Map => Read(value.Map.Values),
            AnyValue.ValueOneofCase.Binary => value.Binary.ToByteArray(),
            _ => null,
        };

    /// <summary>Nanoseconds since 1970, rounded down to the 100 ns that .NET can tell.</summary>
    public static DateTimeOffset Time(ulong unixNanoseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks((long)(unixNanoseconds / 100));

    public static string Id(ByteString id) => Convert.ToHexStringLower(id.Span);

    public static string? OptionalId(ByteString id) => id.IsEmpty ? null : Id(id);
}
