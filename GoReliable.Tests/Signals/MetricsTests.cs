using System.Diagnostics;
using GoReliable.Notifications.Retrying;
using GoReliable.ServiceDefaults.Messaging;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Signals;

/// <summary>What the three services expose at <c>/metrics</c>.</summary>
[Collection(SharedPlatform.Name)]
public sealed class MetricsTests(SharedPlatform shared)
{
    private const string Good = """{"currency":"CHF","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";

    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task Known_traffic_is_counted_exactly()
    {
        using var alice = platform.Client($"alice-{Guid.NewGuid():N}");
        // What earlier tests left on its way would be counted with ours.
        await Eventually.SeeAsync("empty queues and outbox", QueuedAsync, queued => queued == 0);
        var before = await ScrapeAsync();

        var orders = new List<Guid>();
        for (var i = 0; i < 5; i++)
            orders.Add((await (await alice.PostRawAsync(Good)).JsonAsync()).GetProperty("id").GetGuid());
        await alice.PostRawAsync(Good, idempotencyKey: "k");
        await alice.PostRawAsync(Good, idempotencyKey: "k");
        await alice.PostRawAsync("{");
        await alice.ChangeAsync(orders[0], "confirm");
        await alice.ChangeAsync(orders[0], "cancel");
        await alice.ChangeAsync(orders[0], "confirm");
        await alice.GetJsonAsync($"{OrdersClient.Orders}/{orders[1]}");
        await alice.WaitForNotificationsAsync(orders[0], 3);
        await alice.WaitForNotificationsAsync(orders[4]);

        const string Requests = "goreliable_api_gateway_http_requests_total";
        await ExpectAsync("gateway", before, 7, Requests, ("method", "POST"), ("route", "/api/v1/orders"), ("status_code", "201"));
        await ExpectAsync("gateway", before, 7, "goreliable_api_gateway_http_request_duration_seconds_count", ("method", "POST"), ("route", "/api/v1/orders"), ("status_code", "201"));
        await ExpectAsync("gateway", before, 1, Requests, ("method", "POST"), ("route", "/api/v1/orders"), ("status_code", "400"));
        await ExpectAsync("gateway", before, 1, Requests, ("route", "/api/v1/orders/{id}/confirm"), ("status_code", "409"));
        await ExpectAsync("gateway", before, 1, Requests, ("route", "/api/v1/orders/{id}"), ("status_code", "200"));
        await ExpectAsync("orders", before, 6, "goreliable_order_service_orders_created_total", ("currency", "CHF"));
        await ExpectAsync("orders", before, 1, "goreliable_order_service_idempotent_replays_total");
        await ExpectAsync("orders", before, 1, "goreliable_order_service_order_status_transitions_total", ("from", "pending"), ("to", "confirmed"));
        await ExpectAsync("orders", before, 1, "goreliable_order_service_order_status_transitions_total", ("from", "confirmed"), ("to", "cancelled"));
        await ExpectAsync("orders", before, 1, "goreliable_order_service_order_operation_duration_seconds_count", ("operation", "confirm"), ("result", "conflict"));
        await ExpectAsync("orders", before, 8, "goreliable_order_service_outbox_messages_published_total", ("result", "confirmed"));
        await ExpectAsync("notifications", before, 6, "goreliable_notification_worker_messages_processed_total", ("event_type", "order.created"), ("result", "delivered"));
        await ExpectAsync("notifications", before, 1, "goreliable_notification_worker_messages_processed_total", ("event_type", "order.cancelled"), ("result", "delivered"));
        await ExpectAsync("notifications", before, 8, "goreliable_notification_worker_delivery_latency_seconds_count");
        await ExpectAsync("notifications", before, 8, "goreliable_notification_worker_delivery_attempts_total", ("channel", "in_app"), ("result", "delivered"));

        var now = await ScrapeAsync();
        Assert.Equal(0, now["gateway"].Sum("goreliable_api_gateway_http_requests_in_flight"));
        Assert.Equal(0, now["notifications"].Sum("goreliable_notification_worker_messages_in_flight"));
    }

    [Theory]
    [InlineData("gateway", "goreliable_api_gateway_http_requests_total", "goreliable_api_gateway_http_requests_in_flight")]
    [InlineData("orders", "goreliable_order_service_order_status_transitions_total", "goreliable_order_service_idempotent_replays_total", "goreliable_order_service_outbox_messages_published_total")]
    [InlineData("notifications", "goreliable_notification_worker_messages_processed_total", "goreliable_notification_worker_delivery_attempts_total", "goreliable_notification_worker_messages_in_flight")]
    public void Series_that_alerts_need_exist_from_the_start_at_zero(string service, params string[] names)
    {
        var scrape = shared.AtStart[service];
        Assert.All(names, name => Assert.NotEmpty(scrape.Find(name)));
        Assert.All(names, name => Assert.All(scrape.Find(name), sample => Assert.Equal(0, sample.Value)));
        Assert.NotEmpty(scrape.Find("target_info"));
        Assert.DoesNotContain("otel_scope_name", scrape.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Queues_are_sampled_by_their_role()
    {
        var queues = (await ScrapeAsync())["notifications"].Find("goreliable_notification_worker_queue_messages").Select(sample => sample.Labels["queue"]);
        Assert.Equal(["dead", "main", "retry"], queues.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_gauge_that_cannot_be_sampled_is_gone_and_comes_back()
    {
        const string Pending = "goreliable_order_service_outbox_pending_messages";
        await using var database = await platform.DatabaseAsync("orders-db");
        await using var connection = await database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var @lock = new Npgsql.NpgsqlCommand("LOCK TABLE outbox", connection, transaction))
            await @lock.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        await Eventually.SeeAsync("no gauge of the outbox", async () => (await ScrapeAsync())["orders"].Find(Pending).Count(), found => found == 0);
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        await Eventually.SeeAsync("the gauge of the outbox", async () => (await ScrapeAsync())["orders"].Find(Pending).Count(), found => found == 1);
    }

    [Fact]
    public async Task An_exemplar_leads_to_its_trace()
    {
        using var alice = platform.Client("alice");
        var response = await alice.PostRawAsync(Good);
        await platform.Telemetry.WaitForTraceAsync(response.Headers.GetValues("X-Trace-Id").Single(), ["store notifications"], TestContext.Current.CancellationToken);

        var known = platform.Telemetry.Spans().Select(span => span.TraceId).ToHashSet();
        foreach (var (service, histogram) in new[]
        {
            ("gateway", "goreliable_api_gateway_http_request_duration_seconds_bucket"),
            ("orders", "goreliable_order_service_order_operation_duration_seconds_bucket"),
            ("notifications", "goreliable_notification_worker_message_processing_duration_seconds_bucket"),
        })
        {
            var traces = (await ScrapeAsync())[service].Find(histogram).Select(sample => sample.Exemplar.GetValueOrDefault("trace_id")).OfType<string>().ToList();
            Assert.NotEmpty(traces);
            Assert.Contains(traces, known.Contains);
        }
    }

    [Fact]
    public async Task Whatever_strangers_send_the_series_stay_few()
    {
        var before = (await ScrapeAsync())["gateway"].Samples.Count;
        using var stranger = platform.Client(null);
        await Parallel.ForAsync(0, 10_000, new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = TestContext.Current.CancellationToken }, async (i, token) =>
        {
            var method = (i % 3) switch { 0 => HttpMethod.Get, 1 => HttpMethod.Delete, _ => new HttpMethod($"M{i}") };
            using var request = new HttpRequestMessage(method, $"/{Guid.NewGuid()}/{i}") { Headers = { Host = $"host-{i}.example.com" } };
            using var response = await stranger.SendAsync(request, token);
        });

        var scrape = (await ScrapeAsync())["gateway"];
        Assert.Subset(
            new HashSet<string> { "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "_OTHER" },
            scrape.Find("goreliable_api_gateway_http_requests_total", ("route", "unknown")).Select(sample => sample.Labels["method"]).ToHashSet());
        // One histogram is a line for each bucket, two for count and sum, and one for its time of creation.
        Assert.InRange(scrape.Samples.Count - before, 0, 150);
        Assert.DoesNotContain("host-", scrape.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Promtool_has_nothing_to_say_about_our_families()
    {
        foreach (var service in Services)
        {
            using var management = platform.Management(service);
            var plain = await management.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
            var ours = string.Join('\n', plain.Split('\n').Where(line => line.Contains("goreliable_", StringComparison.Ordinal) && !line.StartsWith("target_info", StringComparison.Ordinal))) + "\n";
            Assert.Equal((0, ""), await PromtoolAsync(ours));
        }
    }

    private static readonly string[] Services = ["gateway", "orders", "notifications"];

    private async Task<Dictionary<string, Exposition>> ScrapeAsync()
    {
        var scrapes = new Dictionary<string, Exposition>();
        foreach (var service in Services)
        {
            using var management = platform.Management(service);
            scrapes[service] = await Exposition.ScrapeAsync(management);
        }
        return scrapes;
    }

    private async Task<long> QueuedAsync()
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken);
        await using var database = await platform.DatabaseAsync("orders-db");
        await using var outbox = database.CreateCommand("SELECT count(*) FROM outbox");
        var queued = (long)(await outbox.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        foreach (var queue in new RetryOptions().Effective.Select(OrderTopology.RetryQueue).Append(OrderTopology.Queue))
            queued += await channel.MessageCountAsync(queue, TestContext.Current.CancellationToken);
        return queued + (long)(await ScrapeAsync())["notifications"].Sum("goreliable_notification_worker_messages_in_flight");
    }

    // A response is on its way before its request is counted, so the last ones may take a moment.
    private Task<double> ExpectAsync(string service, Dictionary<string, Exposition> before, double more, string name, params (string Name, string Value)[] labels) =>
        Eventually.SeeAsync(
            $"{name}{{{string.Join(',', labels)}}} to grow by exactly {more}",
            async () => (await ScrapeAsync())[service].Sum(name, labels) - before[service].Sum(name, labels),
            grown => grown == more,
            TimeSpan.FromSeconds(10));

    private static async Task<(int ExitCode, string Output)> PromtoolAsync(string metrics)
    {
        using var promtool = Process.Start(new ProcessStartInfo("promtool", ["check", "metrics"]) { RedirectStandardInput = true, RedirectStandardError = true })!;
        await promtool.StandardInput.WriteAsync(metrics);
        promtool.StandardInput.Close();
        var output = await promtool.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await promtool.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (promtool.ExitCode, output);
    }
}
