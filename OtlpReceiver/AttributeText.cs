using System.Globalization;

namespace OtlpReceiver;

/// <summary>Attributes as text, in order of their names: for print-outs and for telling series apart.</summary>
internal static class AttributeText
{
    public static string Of(IReadOnlyDictionary<string, object?> attributes) =>
        string.Join(", ", attributes.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => $"{a.Key}={Of(a.Value)}"));

    private static string Of(object? value) =>
        value switch
        {
            null => "",
            string text => $"\"{text}\"",
            byte[] bytes => Convert.ToHexStringLower(bytes),
            IReadOnlyDictionary<string, object?> map => $"{{{Of(map)}}}",
            IEnumerable<object?> list => $"[{string.Join(", ", list.Select(Of))}]",
            _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        };
}
