using System.Text.RegularExpressions;

namespace Aspire.Hosting.Console;

internal static partial class Ansi
{
    /// <summary>Removes colours.</summary>
    public static string Strip(string text) => Sequence().Replace(text, "");

    [GeneratedRegex(@"\e\[[0-9;]*[A-Za-z]")]
    private static partial Regex Sequence();
}
