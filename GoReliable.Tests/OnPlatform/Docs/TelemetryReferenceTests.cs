using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Docs;
using GoReliable.Tests.Platform;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>docs/telemetry.md says what the running platform emits: all of it, and nothing else.</summary>
[Collection(SharedPlatform.Name)]
public sealed class TelemetryReferenceTests(ReferenceTraffic traffic) : IClassFixture<ReferenceTraffic>
{
    private static readonly string[] Services = ["gateway", "orders", "notifications"];
    private static readonly MarkdownDocument Reference = MarkdownDocument.Read("docs/telemetry.md");

    // https://opentelemetry.io/docs/specs/semconv/registry/attributes/ lists them as deprecated.
    private static readonly string[] GivenUp =
    [
        "http.method",
        "http.status_code",
        "http.url",
        "http.target",
        "net.peer.name",
        "net.peer.port",
        "db.system",
        "db.statement",
        "db.name",
        "db.operation",
        "messaging.operation",
        "messaging.destination_kind",
        "messaging.rabbitmq.routing_key",
    ];

    private readonly GoReliablePlatform platform = traffic.Platform;

    [Fact]
    public async Task Every_metric_is_listed_with_its_type_and_labels_and_every_listed_one_is_exposed()
    {
        var listed = Reference
            .Rows("Prometheus name")
            .Select(row => $"{row.Code("Prometheus name")} {row["type"]} {Words(row.Codes("labels"))}");
        var exposed = (await OwnFamiliesAsync()).SelectMany(family =>
            family.Series.Select(series => $"{family.Name} {family.Type} {Words(series.Keys)}")
        );

        AssertSame(listed, exposed);
    }

    [Fact]
    public async Task Labels_have_only_the_values_that_are_listed()
    {
        var labels = Reference.Rows("label");
        foreach (var family in await OwnFamiliesAsync())
        {
            foreach (var (label, value) in family.Series.SelectMany(series => series).Distinct())
            {
                var row = Assert.Single(labels, row =>
                    row.Code("label") == label
                    && (
                        row["of"] == "all"
                        || row.Codes("of").Any(name => family.Name.EndsWith($"_{name}", StringComparison.Ordinal))
                    )
                );
                // Without a set of values there are words, which no machine can compare.
                Assert.True(
                    row.Codes("values") is [] || row.Codes("values").Contains(value),
                    $"{family.Name}{{{label}=\"{value}\"}}: {row["values"]}"
                );
            }
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
        foreach (var service in Services)
        {
            var prefixes = rows.Where(row => row["services"] == "all" || Names(row["services"]).Contains(service))
                .Select(row => row.Code("family"))
                .ToList();
            var names = (await ExposedFamily.ScrapeAsync(platform, service))
                .Where(family => !family.IsOwn && family.Name != "target_info")
                .Select(family => family.Name)
                .ToList();

            Assert.All(names, name =>
                Assert.Contains(prefixes, prefix => name.StartsWith(prefix, StringComparison.Ordinal))
            );
            Assert.All(prefixes, prefix =>
                Assert.Contains(names, name => name.StartsWith(prefix, StringComparison.Ordinal))
            );
        }
    }

    [Fact]
    public async Task Every_span_is_listed_and_every_listed_one_is_made()
    {
        var rows = Reference.Rows("span").Select(row => new SpanRow(row)).ToList();
        foreach (var (row, service) in rows.SelectMany(row => row.Services.Select(service => (row, service))))
            await platform.Telemetry.WaitForSpanAsync(
                span => span.Service == service && row.Matches(span),
                TestContext.Current.CancellationToken,
                $"{service}: {row}"
            );

        AssertSame(
            [],
            platform
                .Telemetry.Spans()
                .Where(span => !rows.Any(row => row.Matches(span)))
                .Select(span => $"{span.Service} {span.Scope} {span.Kind} {span.Name}")
        );
    }

    [Fact]
    public async Task No_attribute_of_a_span_has_a_deprecated_name()
    {
        foreach (var row in Reference.Rows("span").Select(row => new SpanRow(row)))
            await platform.Telemetry.WaitForSpanAsync(row.Matches, TestContext.Current.CancellationToken, $"{row}");

        Assert.All(platform.Telemetry.Spans(), span => Assert.Empty(span.Attributes.Keys.Intersect(GivenUp)));
    }

    [Fact]
    public async Task Every_attribute_of_our_own_spans_is_listed_and_every_listed_one_is_set()
    {
        foreach (var row in Reference.Rows("span").Select(row => new SpanRow(row)).Where(row => IsOwn(row.Source)))
        {
            await platform.Telemetry.WaitForSpanAsync(row.Matches, TestContext.Current.CancellationToken, $"{row}");
            // error.type is said once, for every span that failed.
            var set = platform
                .Telemetry.Spans()
                .Where(row.Matches)
                .SelectMany(span => span.Attributes.Keys)
                .Distinct()
                .Where(name => name != "error.type");
            Assert.Equal($"{row}: {Words(row.Attributes)}", $"{row}: {Words(set)}");
        }
    }

    [Fact]
    public void Every_log_event_is_listed_with_its_level_and_fields_and_every_listed_one_exists()
    {
        var listed = Reference
            .Rows("event")
            .Select(row =>
                $"{row.Code("event")} {row["level"]} {row["service"]} "
                + Words(row.Codes("fields"))
                + (row["fields"].EndsWith("and the exception", StringComparison.Ordinal) ? " exception" : "")
            );

        AssertSame(listed, DefinedLogEvent.All.Select(defined => $"{defined}"));
    }

    [Fact]
    public void Every_log_event_that_was_written_is_listed()
    {
        var rows = Reference.Rows("event");
        var written = platform.Telemetry.Logs().Where(log => IsOwn(log.Scope)).ToList();

        Assert.Contains(written, log => log.EventName == "outbox.publish_failed");
        AssertSame(
            [],
            written
                .Where(log =>
                    !rows.Any(row =>
                        row.Code("event") == log.EventName
                        && row["level"] == $"{log.Level}"
                        && Names(row["service"]).Contains(log.Service)
                    )
                )
                .Select(log => $"{log}")
        );
    }

    [Fact]
    public async Task Every_failed_span_says_what_kind_of_error_it_was()
    {
        await platform.Telemetry.WaitForSpanAsync(
            span => span.Kind == ActivityKind.Producer && span.Status == ActivityStatusCode.Error,
            TestContext.Current.CancellationToken
        );
        Assert.All(platform.Telemetry.Spans().Where(span => span.Status == ActivityStatusCode.Error), span =>
            Assert.True(span.Attributes.ContainsKey("error.type"), $"{span}")
        );
    }

    private async Task<IReadOnlyList<ExposedFamily>> OwnFamiliesAsync()
    {
        var families = new List<ExposedFamily>();
        foreach (var service in Services)
            families.AddRange((await ExposedFamily.ScrapeAsync(platform, service)).Where(family => family.IsOwn));
        return families;
    }

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

    private sealed class SpanRow(MarkdownDocument.Row row)
    {
        private readonly Regex name = new($"^{Regex.Replace(Regex.Escape(row.Code("span")), @"\\\{[^}]*}", @"\S+")}$");
        private readonly ActivityKind kind = Enum.Parse<ActivityKind>(row["kind"], ignoreCase: true);

        public string[] Services { get; } = Names(row["service"]);

        public string Source { get; } = row["source"];

        public IReadOnlyList<string> Attributes { get; } =
        [
            .. from attribute in Reference.Rows("attribute")
            where attribute.Codes("spans").Contains(row.Code("span"))
            select attribute.Code("attribute"),
        ];

        public bool Matches(ReceivedSpan span) =>
            span.Kind == kind && span.Scope == Source && Services.Contains(span.Service) && name.IsMatch(span.Name);

        public override string ToString() => row["span"];
    }
}
