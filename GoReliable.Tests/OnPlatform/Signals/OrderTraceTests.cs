using System.Diagnostics;
using GoReliable.Tests.Platform;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>The tree of spans of an order, as an OTLP endpoint gets it from the three services.</summary>
[Collection(SharedPlatform.Name)]
public sealed class OrderTraceTests(SharedPlatform shared)
{
    private const string Body = """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";

    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task One_trace_leads_from_the_request_to_the_delivered_notification()
    {
        using var alice = platform.Client("alice");
        var response = await alice.PostRawAsync(
            """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}],"contactEmail":"a@example.com"}"""
        );
        var trace = await platform.TraceAsync(response, "send email", "store notifications");

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
        trace.AssertWay(edge, call, server, create, insert);
        trace.AssertWay(create, publish, process, send);
        Assert.Same(process, trace.ParentOf(trace.Only("store notifications")));
        Assert.DoesNotContain(trace.Spans, span => span.Status == ActivityStatusCode.Error);
    }

    [Fact]
    public async Task The_spans_say_which_order_and_which_message_they_are_about()
    {
        using var alice = platform.Client("alice");
        var response = await alice.PostRawAsync(Body);
        var order = $"{(await response.ReadAsync<OrderAnswer>()).Id}";
        var trace = await platform.TraceAsync(response, "store notifications");
        var edge = Assert.Single(trace.Roots);
        var create = trace.Only("create order");
        var publish = trace.Only(span => span.Kind == ActivityKind.Producer);
        var process = trace.Only(span => span.Kind == ActivityKind.Consumer);

        Assert.Equal(order, create["goreliable.order.id"]);
        Assert.Equal(1L, create["goreliable.order.item_count"]);
        Assert.Equal("EUR", create["goreliable.order.currency"]);
        Assert.Equal(order, process["goreliable.order.id"]);
        Assert.Equal(201L, edge["http.response.status_code"]);
        Assert.Equal("/api/v1/orders", edge["http.route"]);
        Assert.Equal("postgresql", trace.Only("INSERT order")["db.system.name"]);
        foreach (var message in new[] { publish, process })
        {
            Assert.Equal("rabbitmq", message["messaging.system"]);
            Assert.Equal("order.created", message["messaging.rabbitmq.destination.routing_key"]);
            Assert.Equal(publish["messaging.message.id"], message["messaging.message.id"]);
        }
    }

    [Fact]
    public async Task A_consumer_span_covers_the_processing_and_not_the_waiting()
    {
        using var alice = platform.Client("alice");
        var trace = await platform.TraceAsync(await alice.PostRawAsync(Body), "store notifications");
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
        var created = await alice.PostRawAsync(Body, idempotencyKey: key);
        var order = $"{(await created.ReadAsync<OrderAnswer>()).Id}";

        var replay = await platform.TraceAsync(await alice.PostRawAsync(Body, idempotencyKey: key), "create order");

        Assert.Equal(order, replay.Only("create order")["goreliable.order.id"]);
    }

    [Fact]
    public async Task A_key_that_is_used_for_another_order_names_none()
    {
        using var alice = platform.Client("alice");
        var key = Guid.NewGuid().ToString();
        await alice.PostRawAsync(Body, idempotencyKey: key);

        var refusal = await platform.TraceAsync(
            await alice.PostRawAsync(Body.Replace("1.5", "2.5", StringComparison.Ordinal), idempotencyKey: key),
            "create order"
        );

        Assert.Null(refusal.Only("create order")["goreliable.order.id"]);
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
        await platform.TraceAsync(await alice.PostRawAsync(Body), "store notifications");

        var spans = platform.Telemetry.Spans();
        // By port as well: a test may ask for such a path where it must not be.
        Assert.DoesNotContain(spans, span =>
            span["server.port"] is long port
            && port == management.BaseAddress!.Port
            && span["url.path"] is "/health/ready" or "/metrics"
        );
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
        var trace = await platform.TraceAsync(await alice.PostRawAsync(Body), "store notifications");

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

    private static void AssertSpan(ReceivedSpan span, string service, ActivityKind kind, string name) =>
        Assert.Equal((service, kind, name), (span.Service, span.Kind, span.Name));
}
