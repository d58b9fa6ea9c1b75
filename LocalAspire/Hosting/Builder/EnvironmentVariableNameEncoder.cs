namespace Aspire.Hosting;

internal static class EnvironmentVariableNameEncoder
{
    /// <summary>Makes a name fit for a variable: <c>orders-db</c> becomes <c>orders_db</c>, a leading digit gets an underscore.</summary>
    public static string Encode(string name)
    {
        var encoded = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        return encoded.Length > 0 && char.IsAsciiDigit(encoded[0]) ? $"_{encoded}" : encoded;
    }
}
