using System.Globalization;
using System.Text.RegularExpressions;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Docs;

/// <summary>docs/three-pillars.md: its commands answer its two questions.</summary>
[Collection(SharedPlatform.Name)]
public sealed partial class ThreePillarsTests(SharedPlatform shared)
{
    private static readonly MarkdownDocument Document = MarkdownDocument.Read("docs/three-pillars.md");

    [Fact]
    public async Task The_commands_lead_from_the_metric_to_the_log_line()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, "psql"))),
            "docs/slow-database needs Linux and psql.");
        var ran = await DocumentedCommands.RunAsync(shared.Platform, Document.Blocks("sh"));

        Assert.InRange(Number(P99().Match(ran.OutputOf("0.99"))), 0.001, 5);
        Assert.True(Number(Slow().Match(ran.OutputOf("slower than 2.5 s"))) >= 1);

        var trace = TraceId().Match(ran.OutputOf("trace=$(")).Value;
        var spans = ran.OutputOf("/traces/$trace | grep -v '^[0-9]'").TrimStart();
        Assert.StartsWith($"trace {trace}", spans, StringComparison.Ordinal);
        Assert.InRange(Number(Insert().Match(spans)), 2500, 5000);
        Assert.Contains("send email", spans, StringComparison.Ordinal);

        var logs = ran.OutputOf("/traces/$trace | grep '^[0-9]'");
        Assert.Matches(@"http\.request POST /api/v1/orders answered 201 in [2-5]\d{3}\.\d ms", logs);
        Assert.Contains("order.created", logs, StringComparison.Ordinal);
        Assert.Contains("notification.delivered", logs, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_queries_ask_for_metrics_that_exist()
    {
        var listed = MarkdownDocument.Read("docs/telemetry.md").Rows("Prometheus name").Select(row => row.Code("Prometheus name")).ToList();

        Assert.All(Document.Blocks("promql"), query => Assert.Contains(listed, name => query.Contains(name, StringComparison.Ordinal)));
    }

    private static double Number(Match match) => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"p99: ([0-9.]+) s")]
    private static partial Regex P99();

    [GeneratedRegex(@"slower than 2.5 s: ([0-9]+)")]
    private static partial Regex Slow();

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex TraceId();

    [GeneratedRegex(@"INSERT order \[CLIENT orders] ([0-9.]+) ms")]
    private static partial Regex Insert();
}
