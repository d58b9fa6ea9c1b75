using System.Text.RegularExpressions;

namespace GoReliable.Tests.Files.Deploy;

public sealed partial class RunbookTests
{
    private static readonly IReadOnlyList<string> Pages =
    [
        .. DeployFiles.Find("docs/runbooks", "*.md").Where(file => Path.GetFileName(file) != "README.md"),
    ];

    // What is in italics and is neither a panel nor a row: emphasis, answers of a service, parts of other pages.
    private static readonly string[] OtherItalics =
    [
        "not",
        "trace id",
        "instance",
        "Status → Targets",
        "RabbitMQ takes no messages",
        "RabbitMQ refuses what is declared",
    ];

    /// <summary>The queries that runbooks give to paste, one a line.</summary>
    public static IEnumerable<(string Where, string Query)> Queries() =>
        from page in Pages
        from Match block in PromqlBlock.Matches(File.ReadAllText(page))
        from query in block.Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        select (DeployFiles.Relative(page), query);

    [Fact]
    public void Every_alert_has_a_runbook_and_every_runbook_an_alert() =>
        Assert.Equal(
            AlertRules.LoadAll().Select(alert => alert.Alert).Distinct().Order(StringComparer.Ordinal),
            Pages.Select(Path.GetFileNameWithoutExtension)
        );

    [Fact]
    public void Every_runbook_answers_the_same_questions() =>
        Assert.All(Pages, page =>
            Assert.Equal(
                ["What it means", "Confirm", "Fix", "Dashboard"],
                Heading.Matches(File.ReadAllText(page)).Select(match => match.Groups[1].Value)
            )
        );

    [Fact]
    public void Every_runbook_is_in_the_index_with_its_severities()
    {
        var index = DeployFiles.Read("docs/runbooks/README.md");
        Assert.All(AlertRules.LoadAll().GroupBy(alert => alert.Alert!), alerts =>
            Assert.Contains(
                $"| [{alerts.Key}]({alerts.Key}.md) | "
                    + $"{string.Join(", ", alerts.Select(alert => alert.Labels["severity"]))} |",
                index
            )
        );
    }

    /// <summary>Dashboards are in bold; their panels and rows are in italics on pages that name them.</summary>
    [Fact]
    public void A_runbook_names_dashboards_panels_and_rows_that_exist()
    {
        var titles = Dashboard
            .LoadAll()
            .ToDictionary(
                dashboard => dashboard.Title.Split(" / ")[1],
                dashboard =>
                    dashboard
                        .Json.GetProperty("panels")
                        .EnumerateArray()
                        .Select(panel => Dashboard.Text(panel, "title"))
            );
        Assert.All(Pages, page =>
        {
            var text = Code.Replace(File.ReadAllText(page), "");
            var named = Bold.Matches(text[text.IndexOf("## Dashboard", StringComparison.Ordinal)..])
                .Select(match => match.Groups[1].Value);
            Assert.NotEmpty(named);
            Assert.Empty(named.Except(titles.Keys));

            var known = Bold.Matches(text)
                .SelectMany(match => titles.GetValueOrDefault(match.Groups[1].Value, []))
                .Concat(OtherItalics);
            Assert.Empty(Italic.Matches(text).Select(match => Space.Replace(match.Groups[1].Value, " ")).Except(known));
        });
    }

    [GeneratedRegex(@"^```promql\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex PromqlBlock { get; }

    [GeneratedRegex(@"^## (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading { get; }

    [GeneratedRegex(@"\*\*(\w+)\*\*")]
    private static partial Regex Bold { get; }

    [GeneratedRegex(@"(?<!\*)\*([^*\s][^*]*)\*(?!\*)")]
    private static partial Regex Italic { get; }

    [GeneratedRegex(@"^```.*?^```|`[^`]*`", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Code { get; }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space { get; }
}
