using GoReliable.Tests.Files.Docs;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>Which series exist before anything has happened: a rate needs a zero to grow from.</summary>
[Collection(SharedPlatform.Name)]
public sealed class SeriesAtStartTests(SharedPlatform shared)
{
    [Theory]
    [InlineData(
        "gateway",
        "goreliable_api_gateway_http_requests_total",
        "goreliable_api_gateway_http_requests_in_flight"
    )]
    [InlineData("orders", "goreliable_order_service_idempotent_replays_total")]
    [InlineData("notifications", "goreliable_notification_worker_messages_in_flight")]
    public void Series_that_alerts_need_exist_from_the_start_at_zero(string service, params string[] names)
    {
        var scrape = shared.AtStart[service];
        Assert.All(names, name => Assert.NotEmpty(scrape.Find(name)));
        Assert.All(names, name => Assert.All(scrape.Find(name), sample => Assert.Equal(0, sample.Value)));
    }

    [Theory]
    [InlineData("gateway")]
    [InlineData("orders")]
    [InlineData("notifications")]
    public void A_service_says_what_it_is_in_a_series_of_its_own(string service) =>
        Assert.NotEmpty(shared.AtStart[service].Find("target_info"));

    [Theory]
    [InlineData("gateway")]
    [InlineData("orders")]
    [InlineData("notifications")]
    public void No_label_names_the_library_that_counts(string service) =>
        Assert.DoesNotContain("otel_scope_name", shared.AtStart[service].Text, StringComparison.Ordinal);

    /// <summary>
    /// Of each family the values of its labels, in the order of the labels' names: all that docs/telemetry.md lists.
    /// </summary>
    public static TheoryData<string, string, string[]> ClosedSets =>
        new()
        {
            {
                "gateway",
                "goreliable_api_gateway_requests_rejected_total",
                Listed("reason", "requests_rejected_total")
            },
            {
                "gateway",
                "goreliable_api_gateway_forward_retries_total",
                Pairs(Listed("reason", "forward_retries_total"), Listed("service", "forward_retries_total"))
            },
            {
                "orders",
                "goreliable_order_service_order_status_transitions_total",
                ["pending confirmed", "pending cancelled", "confirmed cancelled"]
            },
            {
                "orders",
                "goreliable_order_service_outbox_messages_published_total",
                Listed("result", "outbox_messages_published_total")
            },
            {
                "notifications",
                "goreliable_notification_worker_messages_processed_total",
                [.. Pairs(Listed("event_type", "all"), Listed("result", "messages_processed_total")).Where(IsPossible)]
            },
            {
                "notifications",
                "goreliable_notification_worker_delivery_attempts_total",
                Pairs(Listed("channel", "delivery_attempts_total"), Listed("result", "delivery_attempts_total"))
            },
        };

    [Theory]
    [MemberData(nameof(ClosedSets))]
    public void Every_series_of_a_closed_set_exists_from_the_start_at_zero(string service, string name, string[] series)
    {
        var samples = shared.AtStart[service].Find(name).ToList();
        Assert.Equal(
            series.Order(StringComparer.Ordinal),
            samples
                .Select(sample =>
                    string.Join(
                        ' ',
                        sample.Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => label.Value)
                    )
                )
                .Order(StringComparer.Ordinal)
        );
        Assert.All(samples, sample => Assert.Equal(0, sample.Value));
    }

    private static string[] Listed(string label, string family) =>
        [
            .. Assert
                .Single(MarkdownDocument.Read("docs/telemetry.md").Rows("label"), row =>
                    row.Code("label") == label && (row["of"] == family || row.Codes("of").Contains(family))
                )
                .Codes("values"),
        ];

    // Poison is given up, and nothing else becomes of it.
    private static bool IsPossible(string pair) =>
        !pair.StartsWith("unknown ", StringComparison.Ordinal) || pair == "unknown dead_lettered";

    private static string[] Pairs(string[] first, string[] second) =>
        [.. from one in first from other in second select $"{one} {other}"];
}
