using System.Text.Json;
using System.Text.Json.Serialization;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// Reads a number only if a decimal can hold it exactly as it is written: .NET would silently round a number with more
/// digits.
/// </summary>
internal sealed class ExactDecimal : JsonConverter<decimal>
{
    // A number of this many characters always fits.
    private const int MaxLength = 28;

    public override decimal Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var length = reader.HasValueSequence ? reader.ValueSequence.Length : reader.ValueSpan.Length;
        return reader.TokenType == JsonTokenType.Number && length <= MaxLength && reader.TryGetDecimal(out var value)
            ? value
            : throw new JsonException();
    }

    public override void Write(Utf8JsonWriter writer, decimal value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value);
}
