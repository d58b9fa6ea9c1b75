using System.Diagnostics;
using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Docs;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>The tables of spans and of their attributes.</summary>
public sealed partial class TelemetryReferenceTests
{
    [Fact]
    public async Task Every_span_is_listed_and_every_listed_one_is_made()
    {
        var rows = await MadeAsync();

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
        // By https://opentelemetry.io/docs/specs/semconv/registry/attributes/.
        var deprecated = (
            "http.method http.status_code http.url http.target net.peer.name net.peer.port "
            + "db.system db.statement db.name db.operation "
            + "messaging.operation messaging.destination_kind messaging.rabbitmq.routing_key"
        ).Split(' ');
        await MadeAsync();

        Assert.All(platform.Telemetry.Spans(), span => Assert.Empty(span.Attributes.Keys.Intersect(deprecated)));
    }

    [Fact]
    public async Task Every_attribute_of_our_own_spans_is_listed_and_every_listed_one_is_set()
    {
        foreach (var row in (await MadeAsync()).Where(row => IsOwn(row.Source)))
        {
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

    // The listed spans, once each has come from each of its services.
    private async Task<List<SpanRow>> MadeAsync()
    {
        var rows = Reference.Rows("span").Select(row => new SpanRow(row)).ToList();
        foreach (var (row, service) in rows.SelectMany(row => row.Services.Select(service => (row, service))))
            await platform.Telemetry.WaitForSpanAsync(
                span => span.Service == service && row.Matches(span),
                TestContext.Current.CancellationToken,
                $"{service}: {row}"
            );
        return rows;
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
