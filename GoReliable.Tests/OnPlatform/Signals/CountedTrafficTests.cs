using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>Each service counts known traffic exactly.</summary>
[Collection(SharedPlatform.Name)]
public sealed class CountedTrafficTests(KnownTraffic traffic) : IClassFixture<KnownTraffic>
{
    [Theory]
    [InlineData(7, "http_requests_total", "method=POST route=/api/v1/orders status_code=201")]
    [InlineData(7, "http_request_duration_seconds_count", "method=POST route=/api/v1/orders status_code=201")]
    [InlineData(1, "http_requests_total", "method=POST route=/api/v1/orders status_code=400")]
    [InlineData(1, "http_requests_total", "route=/api/v1/orders/{id}/confirm status_code=409")]
    [InlineData(1, "http_requests_total", "route=/api/v1/orders/{id} status_code=200")]
    public Task The_gateway_counts_requests(int more, string name, string labels) =>
        ExpectAsync("gateway", more, $"goreliable_api_gateway_{name}", labels);

    [Theory]
    [InlineData(6, "orders_created_total", "currency=CHF")]
    [InlineData(1, "idempotent_replays_total", "")]
    [InlineData(1, "order_status_transitions_total", "from=pending to=confirmed")]
    [InlineData(1, "order_status_transitions_total", "from=confirmed to=cancelled")]
    [InlineData(1, "order_operation_duration_seconds_count", "operation=confirm result=conflict")]
    [InlineData(8, "outbox_messages_published_total", "result=confirmed")]
    public Task Orders_counts_operations_and_events(int more, string name, string labels) =>
        ExpectAsync("orders", more, $"goreliable_order_service_{name}", labels);

    [Theory]
    [InlineData(6, "messages_processed_total", "event_type=order.created result=delivered")]
    [InlineData(1, "messages_processed_total", "event_type=order.cancelled result=delivered")]
    [InlineData(8, "delivery_latency_seconds_count", "")]
    [InlineData(8, "delivery_attempts_total", "channel=in_app result=delivered")]
    public Task Notifications_counts_messages_and_deliveries(int more, string name, string labels) =>
        ExpectAsync("notifications", more, $"goreliable_notification_worker_{name}", labels);

    [Theory]
    [InlineData("gateway", "goreliable_api_gateway_http_requests_in_flight")]
    [InlineData("notifications", "goreliable_notification_worker_messages_in_flight")]
    public Task Nothing_is_in_flight_afterwards(string service, string name) =>
        Poll.UntilAsync(
            $"{name} to be zero",
            async () => (await traffic.Platform.ScrapeAsync())[service].Sum(name),
            inFlight => inFlight == 0,
            TimeSpan.FromSeconds(10)
        );

    // A response is on its way before its request is counted, so the last ones may take a moment.
    private Task<double> ExpectAsync(string service, int more, string name, string labels)
    {
        (string, string)[] wanted =
        [
            .. labels
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(label => label.Split('='))
                .Select(label => (label[0], label[1])),
        ];
        return Poll.UntilAsync(
            $"{name}{{{labels}}} to grow by exactly {more}",
            async () =>
                (await traffic.Platform.ScrapeAsync())[service].Sum(name, wanted)
                - traffic.Before[service].Sum(name, wanted),
            grown => grown == more,
            TimeSpan.FromSeconds(10)
        );
    }
}
