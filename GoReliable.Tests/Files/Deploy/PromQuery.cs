using System.Text.RegularExpressions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// What a PromQL expression reads. Not a parser: promtool is one, and has accepted the expression before.
/// </summary>
internal static partial class PromQuery
{
    private static readonly string[] Words =
        "by without on ignoring group_left group_right bool offset and or unless Inf NaN".Split(' ');

    /// <summary>The selectors in an expression: name of the series, and the labels that it is matched by.</summary>
    public static IReadOnlyList<(string Metric, IReadOnlyList<string> Labels)> Selectors(string expression) =>
        [
            .. Find(expression)
                .Select(match =>
                    (
                        match.Groups["name"].Value,
                        (IReadOnlyList<string>)
                            [
                                .. Matcher
                                    .Matches(match.Groups["matchers"].Value)
                                    .Select(matcher => matcher.Groups["label"].Value),
                            ]
                    )
                ),
        ];

    /// <summary>The selectors in an expression as they are written, each an expression of its own.</summary>
    public static IEnumerable<string> SelectorTexts(string expression) => Find(expression).Select(match => match.Value);

    // Label lists after by, on … hold names that are no metrics; texts hold anything.
    private static IEnumerable<Match> Find(string expression) =>
        Selector
            .Matches(Grouping.Replace(expression, " "))
            .Where(match =>
                match.Groups["name"].Value is { Length: > 0 } name
                && !Words.Contains(name)
                && !match.Groups["call"].Success
            );

    /// <summary>Labels that an expression groups, joins or keeps by.</summary>
    public static IReadOnlyList<string> GroupingLabels(string expression) =>
        [
            .. Grouping
                .Matches(expression)
                .SelectMany(match =>
                    match
                        .Groups["labels"]
                        .Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                ),
        ];

    [GeneratedRegex(@"\b(by|without|on|ignoring|group_left|group_right)\s*\((?<labels>[^)]*)\)")]
    private static partial Regex Grouping { get; }

    // A name, then either a call's parenthesis or matchers; strings and durations ([5m]) are consumed first, so that
    // nothing in them counts.
    [GeneratedRegex(
        """("(\\.|[^"\\])*")|(\[[^\]]*\])|(?<![\w.:])(?<name>[a-zA-Z_:][\w:]*)"""
            + """(?:(?<call>\s*\()|(?<matchers>\{(?:"(?:\\.|[^"\\])*"|[^}"])*\}))?""",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex Selector { get; }

    [GeneratedRegex("""(?<label>[a-zA-Z_]\w*)\s*(=~|!~|!=|=)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Matcher { get; }
}
