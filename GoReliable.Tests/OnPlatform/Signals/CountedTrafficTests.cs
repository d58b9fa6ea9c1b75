using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>Each service counts known traffic exactly.</summary>
[Collection(SharedPlatform.Name)]
public sealed class CountedTrafficTests(CountedTrafficTests.KnownTraffic traffic)
    : IClassFixture<CountedTrafficTests.KnownTraffic>
{
    [Theory]
    [InlineData(7, "gateway", "api_gateway_http_requests_total", "method=POST route=/api/v1/orders status_code=201")]
    [InlineData(6, "orders", "order_service_orders_created_total", "currency=CHF")]
    [InlineData(1, "orders", "order_service_idempotent_replays_total", "")]
    [InlineData(1, "orders", "order_service_order_status_transitions_total", "from=pending to=confirmed")]
    [InlineData(1, "orders", "order_service_order_status_transitions_total", "from=confirmed to=cancelled")]
    [InlineData(
        1,
        "orders",
        "order_service_order_operation_duration_seconds_count",
        "operation=confirm result=conflict"
    )]
    [InlineData(8, "orders", "order_service_outbox_messages_published_total", "result=confirmed")]
    [InlineData(
        6,
        "notifications",
        "notification_worker_messages_processed_total",
        "event_type=order.created result=delivered"
    )]
    [InlineData(
        1,
        "notifications",
        "notification_worker_messages_processed_total",
        "event_type=order.cancelled result=delivered"
    )]
    [InlineData(8, "notifications", "notification_worker_delivery_latency_seconds_count", "")]
    [InlineData(8, "notifications", "notification_worker_delivery_attempts_total", "channel=in_app result=delivered")]
    public Task Everything_is_counted_once(int times, string service, string name, string labels)
    {
        (string, string)[] wanted =
        [
            .. labels
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Select(label => label.Split('='))
                .Select(label => (label[0], label[1])),
        ];
        double Count(Dictionary<string, Exposition> scrape) => scrape[service].Sum($"goreliable_{name}", wanted);
        // An answer is on its way before its request is counted, so the last ones may take a moment.
        return Poll.UntilAsync(
            $"{name}{{{labels}}} to grow by exactly {times}",
            async () => Count(await traffic.Platform.ScrapeAsync()) - Count(traffic.Before),
            grown => grown == times,
            TimeSpan.FromSeconds(10)
        );
    }

    /// <summary>Requests of one customer, all of them known, and what the services had counted before them.</summary>
    public sealed class KnownTraffic(SharedPlatform shared) : IAsyncLifetime
    {
        private const string Body = """{"currency":"CHF","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";

        internal GoReliablePlatform Platform { get; } = shared.Platform;

        internal Dictionary<string, Exposition> Before { get; private set; } = [];

        public async ValueTask InitializeAsync()
        {
            using var alice = Platform.Client($"alice-{Guid.NewGuid():N}");
            // What earlier tests left on its way would be counted with ours.
            await Platform.UntilQuietAsync();
            Before = await Platform.ScrapeAsync();

            var orders = new List<Guid>();
            for (var i = 0; i < 5; i++)
                orders.Add((await (await alice.PostRawAsync(Body)).ReadAsync<OrderAnswer>()).Id);
            await alice.PostRawAsync(Body, idempotencyKey: "k");
            await alice.PostRawAsync(Body, idempotencyKey: "k");
            await alice.ChangeStatusAsync(orders[0], "confirm");
            await alice.ChangeStatusAsync(orders[0], "cancel");
            await alice.ChangeStatusAsync(orders[0], "confirm");
            await alice.WaitForNotificationsAsync(orders[0], 3);
            await alice.WaitForNotificationsAsync(orders[4]);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
