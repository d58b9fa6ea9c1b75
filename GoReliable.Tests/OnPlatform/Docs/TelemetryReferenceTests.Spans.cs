using System.Diagnostics;
using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Docs;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>The tables of spans and of their attributes.</summary>
public sealed partial class TelemetryReferenceTests
{
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
