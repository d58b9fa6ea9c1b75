using System.Globalization;
using GoReliable.Tests.Files.Docs;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>docs/telemetry.md says what the running platform emits: all of it, and nothing else.</summary>
[Collection(SharedPlatform.Name)]
public sealed partial class TelemetryReferenceTests(ReferenceTraffic traffic) : IClassFixture<ReferenceTraffic>
{
    private static readonly MarkdownDocument Reference = MarkdownDocument.Read("docs/telemetry.md");

    private readonly GoReliablePlatform platform = traffic.Platform;

    [Fact]
    public async Task Every_metric_is_listed_with_its_type_and_labels_and_every_listed_one_is_exposed()
    {
        var listed = Reference
            .Rows("Prometheus name")
            .Select(row => $"{row.Code("Prometheus name")} {row["type"]} {Words(row.Codes("labels"))}");
        var exposed = (await ExposedAsync())
            .Where(sample => sample.Family.StartsWith("goreliable_", StringComparison.Ordinal))
            .Select(sample =>
                $"{sample.Family} {sample.Type} {Words(sample.Labels.Keys.Where(label => label != "le"))}"
            );

        AssertSame(listed, exposed);
    }

    [Fact]
    public async Task Labels_have_only_the_values_that_are_listed()
    {
        var labels = Reference.Rows("label");
        foreach (
            var (family, label, value) in (await ExposedAsync())
                .Where(sample => sample.Family.StartsWith("goreliable_", StringComparison.Ordinal))
                .SelectMany(sample => sample.Labels.Select(label => (sample.Family, label.Key, label.Value)))
                .Where(label => label.Key != "le")
                .Distinct()
        )
        {
            var row = Assert.Single(labels, row =>
                row.Code("label") == label
                && (
                    row["of"] == "all"
                    || row.Codes("of").Any(name => family.EndsWith($"_{name}", StringComparison.Ordinal))
                )
            );
            // Without a set of values there are words, which no machine can compare.
            Assert.True(
                row.Codes("values") is [] || row.Codes("values").Contains(value),
                $"{family}{{{label}=\"{value}\"}}: {row["values"]}"
            );
        }
    }

    [Fact]
    public async Task Every_instrument_is_listed_with_its_unit_and_buckets_and_every_listed_one_is_exported()
    {
        var rows = Reference.Rows("OpenTelemetry name").ToDictionary(row => row.Code("OpenTelemetry name"));
        foreach (var (name, row) in rows)
        {
            var point = await platform.Telemetry.WaitForMetricAsync(
                name,
                _ => true,
                TestContext.Current.CancellationToken
            );
            var type = point.Kind switch
            {
                MetricKind.Counter => "counter",
                MetricKind.Histogram => "histogram",
                _ => "gauge",
            };
            var buckets = point
                .Buckets.Where(bucket => double.IsFinite(bucket.UpperBound))
                .Select(bucket => bucket.UpperBound.ToString("#.####", CultureInfo.InvariantCulture));

            Assert.Equal(
                (name, row["type"], Words(row.Codes("unit")), row["buckets"]),
                (name, type, point.Unit, string.Join(' ', buckets))
            );
        }
        AssertSame(
            rows.Keys,
            platform.Telemetry.Metrics().Where(point => IsOwn(point.Scope)).Select(point => point.Name)
        );
    }

    [Fact]
    public async Task Every_standard_family_is_listed_and_every_listed_one_is_exposed()
    {
        var rows = Reference.Rows("family");
        foreach (var (service, scrape) in await platform.ScrapeAsync(openMetrics: false))
        {
            var prefixes = rows.Where(row => row["services"] == "all" || Names(row["services"]).Contains(service))
                .Select(row => row.Code("family"))
                .Append("goreliable_")
                .Append("target_info")
                .ToList();
            var names = scrape.Samples.Select(sample => sample.Family).Distinct().ToList();

            Assert.All(names, name =>
                Assert.Contains(prefixes, prefix => name.StartsWith(prefix, StringComparison.Ordinal))
            );
            Assert.All(prefixes, prefix =>
                Assert.Contains(names, name => name.StartsWith(prefix, StringComparison.Ordinal))
            );
        }
    }

    private async Task<IEnumerable<Exposition.Sample>> ExposedAsync() =>
        (await platform.ScrapeAsync(openMetrics: false)).Values.SelectMany(scrape => scrape.Samples);

    private static void AssertSame(IEnumerable<string> listed, IEnumerable<string> real)
    {
        var (unlisted, untrue) = (real.Except(listed).ToList(), listed.Except(real).ToList());
        Assert.True(
            unlisted.Count == 0 && untrue.Count == 0,
            $"Not in docs/telemetry.md:\n{string.Join('\n', unlisted)}\nIn it, but not so:\n{string.Join('\n', untrue)}"
        );
    }

    private static bool IsOwn(string scope) => scope.StartsWith("GoReliable.", StringComparison.Ordinal);

    private static string Words(IEnumerable<string> names) => string.Join(' ', names.Order(StringComparer.Ordinal));

    private static string[] Names(string cell) => cell.Split(", ");
}
