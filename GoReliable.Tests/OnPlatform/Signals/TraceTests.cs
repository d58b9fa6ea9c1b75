using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>The tree of spans of an order, as an OTLP endpoint gets it from the three services.</summary>
[Collection(SharedPlatform.Name)]
public sealed class TraceTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task One_trace_leads_from_the_request_to_the_delivered_notification()
    {
        using var alice = platform.Client("alice");
        var response = await alice.PostRawAsync(
            """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}],"contactEmail":"a@example.com"}"""
        );
        var order = (await response.JsonAsync()).GetProperty("id").GetString();
        var trace = await TraceAsync(response, "send email", "store notifications");

        var edge = Assert.Single(trace.Roots);
        AssertSpan(edge, "gateway", ActivityKind.Server, "POST /api/v1/orders");
        var call = trace.Only(span => span.Service == "gateway" && span.Kind == ActivityKind.Client);
        var server = trace.Only(span => span.Service == "orders" && span.Kind == ActivityKind.Server);
        var create = trace.Only("create order");
        var insert = trace.Only("INSERT order");
        // Of each kind only one, by whatever name: no doubles by a client library.
        var publish = trace.Only(span => span.Kind == ActivityKind.Producer);
        var process = trace.Only(span => span.Kind == ActivityKind.Consumer);
        var send = trace.Only("send email");

        AssertSpan(server, "orders", ActivityKind.Server, "POST /api/v1/orders");
        AssertSpan(create, "orders", ActivityKind.Internal, "create order");
        AssertSpan(insert, "orders", ActivityKind.Client, "INSERT order");
        AssertSpan(publish, "orders", ActivityKind.Producer, "publish orders:order.created");
        AssertSpan(process, "notifications", ActivityKind.Consumer, "process orders:order.created:notifications");
        AssertWay(trace, edge, call, server, create, insert);
        AssertWay(trace, create, publish, process, send);
        Assert.Same(process, trace.ParentOf(trace.Only("store notifications")));

        Assert.Equal(order, create["goreliable.order.id"]);
        Assert.Equal(1L, create["goreliable.order.item_count"]);
        Assert.Equal("EUR", create["goreliable.order.currency"]);
        Assert.Equal(order, process["goreliable.order.id"]);
        Assert.Equal(201L, edge["http.response.status_code"]);
        Assert.Equal("/api/v1/orders", edge["http.route"]);
        Assert.Equal("postgresql", insert["db.system.name"]);
        foreach (var message in new[] { publish, process })
        {
            Assert.Equal("rabbitmq", message["messaging.system"]);
            Assert.Equal("order.created", message["messaging.rabbitmq.destination.routing_key"]);
            Assert.Equal(publish["messaging.message.id"], message["messaging.message.id"]);
        }
        Assert.DoesNotContain(trace.Spans, span => span.Status == ActivityStatusCode.Error);
    }

    [Fact]
    public async Task A_consumer_span_covers_the_processing_and_not_the_waiting()
    {
        using var alice = platform.Client("alice");
        var trace = await TraceAsync(
            await alice.PostRawAsync("""{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}"""),
            "store notifications"
        );
        var (publish, process) = (
            trace.Only("publish orders:order.created"),
            trace.Only("process orders:order.created:notifications")
        );

        Assert.True(process.Start >= publish.Start, $"{trace}");
        Assert.True(
            process.Start <= trace.Only("store notifications").Start
                && process.End >= trace.Only("store notifications").End,
            $"{trace}"
        );
    }

    [Fact]
    public async Task A_replay_names_the_order_that_exists()
    {
        using var alice = platform.Client("alice");
        var key = Guid.NewGuid().ToString();
        const string Body = """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";
        var order = (await (await alice.PostRawAsync(Body, idempotencyKey: key)).JsonAsync())
            .GetProperty("id")
            .GetString();

        var replay = await TraceAsync(await alice.PostRawAsync(Body, idempotencyKey: key), "create order");
        var refusal = await TraceAsync(
            await alice.PostRawAsync(Body.Replace("1.5", "2.5", StringComparison.Ordinal), idempotencyKey: key),
            "create order"
        );

        Assert.Equal(order, replay.Only("create order")["goreliable.order.id"]);
        Assert.Null(refusal.Only("create order")["goreliable.order.id"]);
    }

    [Fact]
    public async Task A_client_that_resets_its_connection_is_no_error_of_ours()
    {
        var traceId = ActivityTraceId.CreateRandom().ToHexString();
        using var alice = platform.Client("orders", "alice");
        using var management = platform.Management("orders");
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) })
        {
            // A proxy between would end its own connection in another way.
            var address = platform.Address("orders");
            await socket.ConnectAsync(
                new DnsEndPoint(address.Host, address.Port),
                TestContext.Current.CancellationToken
            );
            await socket.SendAsync(
                Encoding.ASCII.GetBytes(
                    $"POST {OrdersClient.Orders} HTTP/1.1\r\nHost: orders\r\nAuthorization: "
                        + $"{alice.DefaultRequestHeaders.Authorization}\r\n"
                        + $"traceparent: 00-{traceId}-{ActivitySpanId.CreateRandom().ToHexString()}-01\r\n"
                        + $"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{\"currency\":"
                ),
                TestContext.Current.CancellationToken
            );
            // Gone before the request is read, there would be nothing to see.
            await Poll.UntilAsync(
                "the request in flight",
                async () =>
                    (await Exposition.ScrapeAsync(management)).Sum(
                        "http_server_active_requests",
                        ("http_request_method", "POST")
                    ),
                active => active > 0
            );
        }

        var server = await platform.Telemetry.WaitForSpanAsync(
            span => span.TraceId == traceId && span.Kind == ActivityKind.Server,
            TestContext.Current.CancellationToken
        );

        Assert.Equal(499L, server["http.response.status_code"]);
        Assert.Equal(ActivityStatusCode.Unset, server.Status);
        Assert.Empty(server.Events);
        Assert.DoesNotContain(platform.Telemetry.Logs(traceId), log => log.Level > LogLevel.Information);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("""{"currency":"EUR","items":[]}""")]
    public async Task A_clients_mistake_is_no_error_of_ours(string body)
    {
        using var alice = platform.Client("alice");
        var trace = await TraceAsync(await alice.PostRawAsync(body));

        AssertNoErrorOfOurs(trace, HttpStatusCode.BadRequest);
        Assert.DoesNotContain(trace.Spans, span => span.Name.StartsWith("INSERT", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(HttpStatusCode.Unauthorized, "gateway")]
    [InlineData(HttpStatusCode.Unauthorized, "orders")]
    [InlineData(HttpStatusCode.Forbidden, "gateway")]
    [InlineData(HttpStatusCode.Forbidden, "orders")]
    [InlineData(HttpStatusCode.NotFound, "gateway", "orders")]
    [InlineData(HttpStatusCode.Conflict, "gateway", "orders")]
    [InlineData(HttpStatusCode.UnsupportedMediaType, "gateway", "orders")]
    [InlineData(HttpStatusCode.UnprocessableEntity, "gateway", "orders")]
    public async Task A_clients_error_status_is_no_error_of_ours(HttpStatusCode status, params string[] services)
    {
        var problem = await (await MistakeAsync(status, services[0])).AssertProblemAsync(status);
        var trace = await platform.Telemetry.WaitForTraceAsync(
            problem.GetProperty("traceId").GetString()!,
            tree => tree.Spans.Count(span => span.Kind == ActivityKind.Server) == services.Length && tree.IsConnected,
            TestContext.Current.CancellationToken
        );

        Assert.Equal(
            services,
            trace.Spans.Where(span => span.Kind == ActivityKind.Server).Select(span => span.Service)
        );
        AssertNoErrorOfOurs(trace, status);
    }

    [Fact]
    public async Task An_order_that_the_database_does_not_take_is_an_error_with_its_exception()
    {
        using var alice = platform.Client("alice");
        await using var database = await platform.DatabaseAsync("orders-db");
        await using var connection = await database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        // Nobody gets past this lock: the insert runs into its time limit.
        await using (var @lock = new Npgsql.NpgsqlCommand("LOCK TABLE orders", connection, transaction))
            await @lock.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var response = await alice.PostRawAsync(
            """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}"""
        );
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);

        await response.AssertProblemAsync(HttpStatusCode.GatewayTimeout);
        var trace = await TraceAsync(response, "INSERT order", "create order");
        var edge = Assert.Single(trace.Roots);
        var call = trace.Only(span => span.Service == "gateway" && span.Kind == ActivityKind.Client);
        var server = trace.Only(span => span.Service == "orders" && span.Kind == ActivityKind.Server);
        var insert = trace.Only("INSERT order");
        AssertWay(trace, edge, call, server, trace.Only("create order"), insert);
        // All the way up, and nothing goes on from here.
        Assert.All(trace.Spans, span => Assert.Equal(ActivityStatusCode.Error, span.Status));
        Assert.Equal(5, trace.Spans.Count);
        // Where it came from, and in the request that it ended.
        Assert.Equal(
            [server, insert],
            trace.Spans.Where(span => span.Events.Any(happened => happened.Name == "exception"))
        );
    }

    [Fact]
    public async Task Each_attempt_at_a_notification_has_its_own_span_in_the_same_trace()
    {
        var message = await TestEvent.PublishAsync(platform, block: true);
        await platform.Telemetry.WaitForSpanAsync(
            span => span.TraceId == message.TraceId && span.Name == "send email",
            TestContext.Current.CancellationToken
        );
        message.Unblock();

        var trace = await platform.Telemetry.WaitForTraceAsync(
            message.TraceId,
            tree => tree.Named("send email").Any(span => span.Status != ActivityStatusCode.Error),
            TestContext.Current.CancellationToken
        );
        var attempts = trace.Named("send email").OrderBy(span => span.Start).ToList();
        Assert.True(attempts.Count >= 2, $"{trace}");
        Assert.All(attempts[..^1], failed => Assert.Equal(ActivityStatusCode.Error, failed.Status));
        Assert.All(attempts[..^1], failed => Assert.Contains(failed.Events, happened => happened.Name == "exception"));
        var consumers = attempts.Select(attempt => trace.ParentOf(attempt)!).ToList();
        Assert.Equal(attempts.Count, consumers.Distinct().Count());
        Assert.All(consumers, consumer =>
            Assert.Equal((ActivityKind.Consumer, message.SpanId), (consumer.Kind, consumer.ParentSpanId))
        );
        Assert.Equal(
            Enumerable.Range(1, attempts.Count).Select(attempt => (object)(long)attempt),
            consumers.Select(consumer => consumer["goreliable.delivery.attempt"]!)
        );
    }

    [Fact]
    public async Task A_message_that_arrives_twice_is_consumed_twice_and_sent_once()
    {
        var message = await TestEvent.PublishAsync(platform, times: 2);
        var trace = await platform.Telemetry.WaitForTraceAsync(
            message.TraceId,
            tree => tree.Spans.Count(span => span.Kind == ActivityKind.Consumer) == 2 && tree.Named("send email").Any(),
            TestContext.Current.CancellationToken
        );

        Assert.Single(trace.Named("send email"));
    }

    [Fact]
    public async Task A_dead_letter_ends_its_trace_with_an_error_and_carries_it_on()
    {
        var message = await TestEvent.PublishAsync(platform, poison: true);
        var consumer = await platform.Telemetry.WaitForSpanAsync(
            span => span.TraceId == message.TraceId && span.Kind == ActivityKind.Consumer,
            TestContext.Current.CancellationToken
        );

        Assert.Equal((ActivityStatusCode.Error, message.SpanId), (consumer.Status, consumer.ParentSpanId));
        Assert.Contains(consumer.Events, happened => happened.Name == "exception");
        await using var database = await platform.DatabaseAsync("notifications-db");
        await using var command = database.CreateCommand("SELECT trace_id FROM dead_letters WHERE message_id = $1");
        command.Parameters.AddWithValue(message.Id.ToString());
        Assert.Equal(
            message.TraceId,
            await Poll.UntilAsync(
                "the dead letter",
                () => command.ExecuteScalarAsync(TestContext.Current.CancellationToken),
                found => found is not null
            )
        );
    }

    [Fact]
    public async Task Polling_probes_and_scrapes_make_no_spans()
    {
        using var management = platform.Management("orders");
        for (var i = 0; i < 5; i++)
        {
            await management.GetAsync("/health/ready", TestContext.Current.CancellationToken);
            await management.GetAsync("/metrics", TestContext.Current.CancellationToken);
        }
        using var alice = platform.Client("alice");
        await TraceAsync(
            await alice.PostRawAsync("""{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}"""),
            "store notifications"
        );

        var spans = platform.Telemetry.Spans();
        Assert.All(spans, span => Assert.NotEqual((long)management.BaseAddress!.Port, span["server.port"]));
        Assert.All(spans.Where(span => span.Scope == "Npgsql"), statement => Assert.NotNull(statement.ParentSpanId));
        // A batch without messages would be idle polling.
        Assert.All(spans.Where(span => span.Name == "relay outbox"), batch =>
            Assert.True((long)batch["messaging.batch.message_count"]! > 0, $"{batch}")
        );
    }

    [Fact]
    public async Task Every_service_identifies_itself_in_its_telemetry()
    {
        using var alice = platform.Client("alice");
        var trace = await TraceAsync(
            await alice.PostRawAsync("""{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}"""),
            "store notifications"
        );

        Assert.Equal(
            ["gateway", "notifications", "orders"],
            trace.Spans.Select(span => span.Service).Distinct().Order(StringComparer.Ordinal)
        );
        foreach (var span in trace.Spans)
        {
            Assert.Equal("goreliable", span.Resource.GetValueOrDefault("service.namespace"));
            Assert.Matches(
                @"^\d+\.\d+\.\d+\S*\+[0-9a-f]{40}$",
                (string)span.Resource.GetValueOrDefault("service.version")!
            );
            Assert.NotEmpty((string)span.Resource.GetValueOrDefault("service.instance.id")!);
            Assert.Equal("development", span.Resource.GetValueOrDefault("deployment.environment.name"));
        }
    }

    private async Task<SpanTree> TraceAsync(HttpResponseMessage response, params string[] names)
    {
        var traceId = Assert.Single(response.Headers.GetValues("X-Trace-Id"));
        return await platform.Telemetry.WaitForTraceAsync(
            traceId,
            ["POST /api/v1/orders", "POST /api/v1/orders", .. names],
            TestContext.Current.CancellationToken
        );
    }

    private async Task<HttpResponseMessage> MistakeAsync(HttpStatusCode status, string service)
    {
        using var alice = platform.Client(service, "alice");
        const string Body = """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";
        switch (status)
        {
            case HttpStatusCode.Unauthorized:
                using (var nobody = platform.Client(service, customer: null))
                    return await nobody.PostRawAsync(Body);
            case HttpStatusCode.Forbidden:
                using (var reader = platform.Client(service, "alice", Scopes.OrdersRead))
                    return await reader.PostRawAsync(Body);
            case HttpStatusCode.NotFound:
                return await alice.GetAsync(
                    $"{OrdersClient.Orders}/{Guid.CreateVersion7()}",
                    TestContext.Current.CancellationToken
                );
            case HttpStatusCode.Conflict:
                var order = await alice.CreateAsync();
                await alice.ChangeStatusAsync(order, "cancel");
                return await alice.ChangeStatusAsync(order, "confirm");
            case HttpStatusCode.UnsupportedMediaType:
                return await alice.PostRawAsync(Body, "text/plain");
            default:
                var key = Guid.NewGuid().ToString();
                await alice.PostRawAsync(Body, idempotencyKey: key);
                return await alice.PostRawAsync(
                    Body.Replace("1.5", "2.5", StringComparison.Ordinal),
                    idempotencyKey: key
                );
        }
    }

    private static void AssertNoErrorOfOurs(SpanTree trace, HttpStatusCode status)
    {
        Assert.All(trace.Spans.Where(span => span.Kind == ActivityKind.Server), span =>
            Assert.Equal((long)status, span["http.response.status_code"])
        );
        Assert.All(trace.Spans, span => Assert.NotEqual(ActivityStatusCode.Error, span.Status));
        Assert.All(trace.Spans, span => Assert.DoesNotContain(span.Events, happened => happened.Name == "exception"));
    }

    private static void AssertSpan(ReceivedSpan span, string service, ActivityKind kind, string name) =>
        Assert.Equal((service, kind, name), (span.Service, span.Kind, span.Name));

    private static void AssertWay(SpanTree trace, params ReceivedSpan[] way)
    {
        for (var i = 1; i < way.Length; i++)
            Assert.True(
                ReferenceEquals(way[i - 1], trace.ParentOf(way[i])),
                $"{way[i].Name} should be a child of {way[i - 1].Name}:\n{trace}"
            );
    }
}
