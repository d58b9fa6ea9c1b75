using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace GoReliable.Database;

/// <summary>How many rows a page has, as a request says it.</summary>
public static class PageLimit
{
    /// <summary>Reads the query parameter <c>limit</c>.</summary>
    /// <param name="limit">As it was sent; null if it was not.</param>
    /// <param name="default">If it was not sent.</param>
    /// <param name="max">The largest that is allowed.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="mistake">What is wrong with it.</param>
    public static bool TryRead(
        string? limit,
        int @default,
        int max,
        out int rows,
        [NotNullWhen(false)] out string? mistake
    )
    {
        rows = @default;
        mistake =
            limit is null
            || (
                int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out rows)
                && rows > 0
                && rows <= max
            )
                ? null
                : $"limit must be a number from 1 to {max}.";
        return mistake is null;
    }
}
