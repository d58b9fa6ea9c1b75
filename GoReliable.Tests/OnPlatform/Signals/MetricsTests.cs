using System.Diagnostics;
using System.Net;
using GoReliable.Messaging;
using GoReliable.Notifications.Retrying;
using GoReliable.Tests.Files.Docs;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

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
        await Poll.UntilAsync("empty queues and outbox", QueuedAsync, queued => queued == 0);
        var before = await ScrapeAsync();

        var orders = new List<Guid>();
        for (var i = 0; i < 5; i++)
            orders.Add((await (await alice.PostRawAsync(Good)).JsonAsync()).GetProperty("id").GetGuid());
        await alice.PostRawAsync(Good, idempotencyKey: "k");
        await alice.PostRawAsync(Good, idempotencyKey: "k");
        await alice.PostRawAsync("{");
        await alice.ChangeStatusAsync(orders[0], "confirm");
        await alice.ChangeStatusAsync(orders[0], "cancel");
        await alice.ChangeStatusAsync(orders[0], "confirm");
        await alice.GetJsonAsync($"{OrdersClient.Orders}/{orders[1]}");
        await alice.WaitForNotificationsAsync(orders[0], 3);
        await alice.WaitForNotificationsAsync(orders[4]);

        const string Requests = "goreliable_api_gateway_http_requests_total";
        await ExpectAsync(
            "gateway",
            before,
            7,
            Requests,
            ("method", "POST"),
            ("route", "/api/v1/orders"),
            ("status_code", "201")
        );
        await ExpectAsync(
            "gateway",
            before,
            7,
            "goreliable_api_gateway_http_request_duration_seconds_count",
            ("method", "POST"),
            ("route", "/api/v1/orders"),
            ("status_code", "201")
        );
        await ExpectAsync(
            "gateway",
            before,
            1,
            Requests,
            ("method", "POST"),
            ("route", "/api/v1/orders"),
            ("status_code", "400")
        );
        await ExpectAsync(
            "gateway",
            before,
            1,
            Requests,
            ("route", "/api/v1/orders/{id}/confirm"),
            ("status_code", "409")
        );
        await ExpectAsync("gateway", before, 1, Requests, ("route", "/api/v1/orders/{id}"), ("status_code", "200"));
        await ExpectAsync("orders", before, 6, "goreliable_order_service_orders_created_total", ("currency", "CHF"));
        await ExpectAsync("orders", before, 1, "goreliable_order_service_idempotent_replays_total");
        await ExpectAsync(
            "orders",
            before,
            1,
            "goreliable_order_service_order_status_transitions_total",
            ("from", "pending"),
            ("to", "confirmed")
        );
        await ExpectAsync(
            "orders",
            before,
            1,
            "goreliable_order_service_order_status_transitions_total",
            ("from", "confirmed"),
            ("to", "cancelled")
        );
        await ExpectAsync(
            "orders",
            before,
            1,
            "goreliable_order_service_order_operation_duration_seconds_count",
            ("operation", "confirm"),
            ("result", "conflict")
        );
        await ExpectAsync(
            "orders",
            before,
            8,
            "goreliable_order_service_outbox_messages_published_total",
            ("result", "confirmed")
        );
        await ExpectAsync(
            "notifications",
            before,
            6,
            "goreliable_notification_worker_messages_processed_total",
            ("event_type", "order.created"),
            ("result", "delivered")
        );
        await ExpectAsync(
            "notifications",
            before,
            1,
            "goreliable_notification_worker_messages_processed_total",
            ("event_type", "order.cancelled"),
            ("result", "delivered")
        );
        await ExpectAsync("notifications", before, 8, "goreliable_notification_worker_delivery_latency_seconds_count");
        await ExpectAsync(
            "notifications",
            before,
            8,
            "goreliable_notification_worker_delivery_attempts_total",
            ("channel", "in_app"),
            ("result", "delivered")
        );

        var now = await ScrapeAsync();
        Assert.Equal(0, now["gateway"].Sum("goreliable_api_gateway_http_requests_in_flight"));
        Assert.Equal(0, now["notifications"].Sum("goreliable_notification_worker_messages_in_flight"));
    }

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
        Assert.NotEmpty(scrape.Find("target_info"));
        Assert.DoesNotContain("otel_scope_name", scrape.Text, StringComparison.Ordinal);
    }

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

    [Fact]
    public async Task Queues_are_sampled_by_their_role()
    {
        var queues = (await ScrapeAsync())["notifications"]
            .Find("goreliable_notification_worker_queue_messages")
            .Select(sample => sample.Labels["queue"]);
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

        await Poll.UntilAsync(
            "no gauge of the outbox",
            async () => (await ScrapeAsync())["orders"].Find(Pending).Count(),
            found => found == 0
        );
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        await Poll.UntilAsync(
            "the gauge of the outbox",
            async () => (await ScrapeAsync())["orders"].Find(Pending).Count(),
            found => found == 1
        );
    }

    [Fact]
    public async Task An_exemplar_leads_to_its_trace()
    {
        using var alice = platform.Client("alice");
        var response = await alice.PostRawAsync(Good);
        var trace = await platform.Telemetry.WaitForTraceAsync(
            response.Headers.GetValues("X-Trace-Id").Single(),
            ["POST /api/v1/orders", "POST /api/v1/orders", "store notifications"],
            TestContext.Current.CancellationToken
        );

        foreach (
            var (service, histogram, kind) in new[]
            {
                ("gateway", "goreliable_api_gateway_http_request_duration_seconds_bucket", ActivityKind.Server),
                ("orders", "goreliable_order_service_order_operation_duration_seconds_bucket", ActivityKind.Server),
                (
                    "notifications",
                    "goreliable_notification_worker_message_processing_duration_seconds_bucket",
                    ActivityKind.Consumer
                ),
            }
        )
        {
            var exemplar = await Poll.UntilAsync(
                $"an exemplar of {trace.TraceId} at {service}",
                async () =>
                    (await ScrapeAsync())[service]
                        .Find(histogram)
                        .Select(sample => sample.Exemplar)
                        .SingleOrDefault(exemplar => exemplar.GetValueOrDefault("trace_id") == trace.TraceId),
                exemplar => exemplar is not null
            );
            Assert.Equal(trace.Only(span => span.Service == service && span.Kind == kind).SpanId, exemplar!["span_id"]);
        }
    }

    [Fact]
    public async Task A_scrape_queries_no_database()
    {
        // What is still on its way asks one.
        await Poll.UntilAsync("empty queues and outbox", QueuedAsync, queued => queued == 0);
        // Each service's own pool: the relay has one for itself, and polls.
        (string Service, string Pool)[] pools = [("orders", "orders-db"), ("notifications", "notifications-db")];
        var scrapes = new List<Dictionary<string, Exposition>>();
        await Poll.UntilAsync(
            "20 scrapes more",
            async () =>
            {
                var scrape = await ScrapeAsync();
                // The same text is the answer to an earlier scrape, which is kept for a moment.
                if (scrapes.Count == 0 || pools.All(of => scrapes[^1][of.Service].Text != scrape[of.Service].Text))
                    scrapes.Add(scrape);
                return scrapes.Count;
            },
            count => count == 21
        );

        foreach (var (service, pool) in pools)
        {
            var statements = scrapes
                .Select(scrape =>
                    scrape[service]
                        .Sum("db_client_operation_duration_seconds_count", ("db_client_connection_pool_name", pool))
                )
                .ToList();
            // What a service asks by itself, every few seconds, such as its sampler.
            Assert.InRange(statements[^1] - statements[0], 1, 15);
        }
    }

    [Fact]
    public async Task Whatever_clients_send_the_number_of_series_stays_small()
    {
        using var stranger = platform.Client(null);
        var alice = platform.Tokens.Bearer("alice");
        Task SendAsync(int first, int count) =>
            Parallel.ForAsync(
                first,
                first + count,
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = 16,
                    CancellationToken = TestContext.Current.CancellationToken,
                },
                async (i, token) =>
                {
                    // A path of nothing, one that fits a template by a method that does not, or without a token, or of
                    // no order.
                    var (method, path, authorization, status) = (i % 4) switch
                    {
                        0 => (HttpMethod.Delete, $"/{Guid.NewGuid()}/{i}", null, HttpStatusCode.NotFound),
                        1 => (
                            new HttpMethod($"M{i}"),
                            $"{OrdersClient.Orders}/{Guid.NewGuid()}",
                            null,
                            HttpStatusCode.MethodNotAllowed
                        ),
                        2 => (
                            HttpMethod.Get,
                            $"{OrdersClient.Orders}/{Guid.NewGuid()}",
                            null,
                            HttpStatusCode.Unauthorized
                        ),
                        _ => (
                            HttpMethod.Get,
                            $"{OrdersClient.Orders}/{Guid.NewGuid()}",
                            alice,
                            HttpStatusCode.NotFound
                        ),
                    };
                    using var request = new HttpRequestMessage(method, path)
                    {
                        Headers = { Host = $"host-{i}.example.com", Authorization = authorization },
                    };
                    using var response = await stranger.SendAsync(request, token);
                    Assert.Equal(status, response.StatusCode);
                }
            );
        // The series of the four answers are there then.
        await SendAsync(0, 100);
        var before = await ScrapeAsync();

        await SendAsync(100, 10_000);

        var after = await ScrapeAsync();
        var scrape = after["gateway"];
        Assert.Subset(
            new HashSet<string>
            {
                "GET",
                "POST",
                "PUT",
                "PATCH",
                "DELETE",
                "HEAD",
                "OPTIONS",
                "TRACE",
                "CONNECT",
                "_OTHER",
            },
            scrape
                .Find("goreliable_api_gateway_http_requests_total", ("route", "unknown"))
                .Select(sample => sample.Labels["method"])
                .ToHashSet()
        );
        // A handful, a histogram being some fifteen lines each; what was counted by connection may have gone meanwhile.
        Assert.All(Services, service =>
            Assert.True(
                after[service].Samples.Count - before[service].Samples.Count < 100,
                $"{service}: {before[service].Samples.Count} before, {after[service].Samples.Count} after"
            )
        );
        Assert.DoesNotContain("host-", scrape.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Promtool_finds_no_problem_in_our_families()
    {
        foreach (var service in Services)
        {
            using var management = platform.Management(service);
            var plain = await management.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
            var ours =
                string.Join(
                    '\n',
                    plain
                        .Split('\n')
                        .Where(line =>
                            line.Contains("goreliable_", StringComparison.Ordinal)
                            && !line.StartsWith("target_info", StringComparison.Ordinal)
                        )
                ) + "\n";
            Assert.Equal((0, ""), await PromtoolAsync(ours));
        }
    }

    private static readonly string[] Services = ["gateway", "orders", "notifications"];

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
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        await using var database = await platform.DatabaseAsync("orders-db");
        await using var outbox = database.CreateCommand("SELECT count(*) FROM outbox");
        var queued = (long)(await outbox.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        foreach (var queue in new RetryOptions().Effective.Select(OrderTopology.RetryQueue).Append(OrderTopology.Queue))
            queued += await channel.MessageCountAsync(queue, TestContext.Current.CancellationToken);
        return queued
            + (long)(await ScrapeAsync())["notifications"].Sum("goreliable_notification_worker_messages_in_flight");
    }

    // A response is on its way before its request is counted, so the last ones may take a moment.
    private Task<double> ExpectAsync(
        string service,
        Dictionary<string, Exposition> before,
        double more,
        string name,
        params (string Name, string Value)[] labels
    ) =>
        Poll.UntilAsync(
            $"{name}{{{string.Join(',', labels)}}} to grow by exactly {more}",
            async () => (await ScrapeAsync())[service].Sum(name, labels) - before[service].Sum(name, labels),
            grown => grown == more,
            TimeSpan.FromSeconds(10)
        );

    private static async Task<(int ExitCode, string Output)> PromtoolAsync(string metrics)
    {
        using var promtool = Process.Start(
            new ProcessStartInfo("promtool", ["check", "metrics"])
            {
                RedirectStandardInput = true,
                RedirectStandardError = true,
            }
        )!;
        await promtool.StandardInput.WriteAsync(metrics);
        promtool.StandardInput.Close();
        var output = await promtool.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await promtool.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (promtool.ExitCode, output);
    }
}
