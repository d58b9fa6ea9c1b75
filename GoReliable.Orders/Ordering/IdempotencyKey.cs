using System.Text.RegularExpressions;

namespace GoReliable.Orders.Ordering;

/// <summary>The request header <c>Idempotency-Key</c>.</summary>
internal static partial class IdempotencyKey
{
    public const string Header = "Idempotency-Key";

    /// <summary>Tells the client that the answer is the first one again.</summary>
    public const string ReplayedHeader = "Idempotency-Replayed";

    /// <summary>
    /// Reads the key: bare, as most clients send it, or quoted, as the draft (a structured field string) has it.
    /// </summary>
    /// <param name="headers">The request's headers.</param>
    /// <param name="key">The key, or null where there is none.</param>
    /// <returns>False when there is one, but it cannot be used.</returns>
    public static bool TryRead(IHeaderDictionary headers, out string? key)
    {
        key = null;
        if (!headers.TryGetValue(Header, out var values))
            return true;
        if (values is not [{ } value])
            return false;
        key = value is ['"', .., '"'] ? value[1..^1] : value;
        return Shape().IsMatch(key);
    }

    [GeneratedRegex(@"^[!#-\[\]-~]{1,255}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}
