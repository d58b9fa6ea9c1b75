using GoReliable.Tests.Files.Docs;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>Which series exist before anything has happened: a rate needs a zero to grow from.</summary>
[Collection(SharedPlatform.Name)]
public sealed class SeriesAtStartTests(SharedPlatform shared)
{
    /// <summary>
    /// Of each family the values of its labels, in the order of the labels' names: all that docs/telemetry.md lists.
    /// </summary>
    public static TheoryData<string, string, string[]> ClosedSets =>
        new()
        {
            { "gateway", "api_gateway_http_requests_in_flight", [""] },
            { "gateway", "api_gateway_requests_rejected_total", Listed("reason", "requests_rejected_total") },
            {
                "gateway",
                "api_gateway_forward_retries_total",
                Pairs(Listed("reason", "forward_retries_total"), Listed("service", "forward_retries_total"))
            },
            { "orders", "order_service_idempotent_replays_total", [""] },
            {
                "orders",
                "order_service_order_status_transitions_total",
                ["pending confirmed", "pending cancelled", "confirmed cancelled"]
            },
            {
                "orders",
                "order_service_outbox_messages_published_total",
                Listed("result", "outbox_messages_published_total")
            },
            { "notifications", "notification_worker_messages_in_flight", [""] },
            {
                "notifications",
                "notification_worker_messages_processed_total",
                // Poison is given up, and nothing else becomes of it.
                [
                    .. Pairs(Listed("event_type", "all"), Listed("result", "messages_processed_total"))
                        .Where(pair => !pair.StartsWith("unknown ", StringComparison.Ordinal)),
                    "unknown dead_lettered",
                ]
            },
            {
                "notifications",
                "notification_worker_delivery_attempts_total",
                Pairs(Listed("channel", "delivery_attempts_total"), Listed("result", "delivery_attempts_total"))
            },
        };

    [Theory]
    [MemberData(nameof(ClosedSets))]
    public void Every_series_of_a_closed_set_exists_from_the_start_at_zero(string service, string name, string[] series)
    {
        var samples = shared.AtStart[service].Find($"goreliable_{name}").ToList();
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

    private static string[] Pairs(string[] first, string[] second) =>
        [.. from one in first from other in second select $"{one} {other}"];
}
