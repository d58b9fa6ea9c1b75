using System.Globalization;
using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Docs;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>docs/three-pillars.md: its commands answer its two questions.</summary>
[Collection(SharedPlatform.Name)]
public sealed partial class ThreePillarsTests(SharedPlatform shared)
{
    private static readonly MarkdownDocument Document = MarkdownDocument.Read("docs/three-pillars.md");

    [Fact]
    public async Task The_commands_lead_from_the_metric_to_the_log_line()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux()
                && Environment
                    .GetEnvironmentVariable("PATH")!
                    .Split(':')
                    .Any(folder => File.Exists(Path.Combine(folder, "psql"))),
            "docs/slow-database needs Linux and psql."
        );
        var ran = await DocumentedCommands.RunAsync(shared.Platform, Document.Blocks("sh"));

        Assert.InRange(Number(P99().Match(ran.OutputOf("0.99"))), 0.001, 5);
        Assert.True(Number(Slow().Match(ran.OutputOf("slower than 2.5 s"))) >= 1);

        var trace = TraceId().Match(ran.OutputOf("trace=$(")).Value;
        Assert.Contains($"/traces/detail/{trace}\n", ran.OutputOf("/traces/detail/$trace"), StringComparison.Ordinal);
        await HasTheSpansThatAreShownAsync(trace);
        await HasTheLogsThatAreShownAsync(trace);
    }

    private async Task HasTheSpansThatAreShownAsync(string trace)
    {
        var tree = await shared.Platform.Telemetry.WaitForTraceAsync(
            trace,
            ["POST", "create order", "INSERT order", "claim inbox", "send email", "store notifications"],
            TestContext.Current.CancellationToken
        );

        Assert.Equal(10, tree.Spans.Count);
        Assert.InRange(tree.Only("INSERT order").Duration, TimeSpan.FromSeconds(2.5), TimeSpan.FromSeconds(5));
    }

    private async Task HasTheLogsThatAreShownAsync(string trace)
    {
        var telemetry = shared.Platform.Telemetry;
        string[] events = ["http.request", "notification.delivered", "order.created"];
        foreach (var name in events)
            await telemetry.WaitForLogAsync(
                log => log.TraceId == trace && log.EventName == name,
                TestContext.Current.CancellationToken
            );

        var logs = telemetry.Logs(trace).OrderBy(log => log.EventName, StringComparer.Ordinal).ToArray();
        Assert.Equal(events, logs.Select(log => log.EventName));
        Assert.Matches(@"^POST /api/v1/orders answered 201 in [2-5]\d{3}\.\d ms$", logs[0].Body);
    }

    [Fact]
    public void The_documents_queries_use_metrics_that_exist()
    {
        var listed = MarkdownDocument
            .Read("docs/telemetry.md")
            .Rows("Prometheus name")
            .Select(row => row.Code("Prometheus name"))
            .ToList();

        Assert.All(Document.Blocks("promql"), query =>
            Assert.Contains(listed, name => query.Contains(name, StringComparison.Ordinal))
        );
    }

    private static double Number(Match match) => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"p99: ([0-9.]+) s")]
    private static partial Regex P99();

    [GeneratedRegex(@"slower than 2.5 s: ([0-9]+)")]
    private static partial Regex Slow();

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex TraceId();
}
