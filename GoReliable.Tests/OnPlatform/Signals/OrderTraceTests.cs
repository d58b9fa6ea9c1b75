using System.Diagnostics;
using GoReliable.Tests.Platform;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>The tree of spans of an order, as an OTLP endpoint gets it from the three services.</summary>
[Collection(SharedPlatform.Name)]
public sealed class OrderTraceTests(SharedPlatform shared, OrderTraceTests.OneOrder order)
    : IClassFixture<OrderTraceTests.OneOrder>
{
    private const string Body = """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";

    private readonly GoReliablePlatform platform = shared.Platform;

    private SpanTree Trace => order.Trace;

    // Of each kind only one, by whatever name: no doubles by a client library.
    private ReceivedSpan Publish => Trace.Only(span => span.Kind == ActivityKind.Producer);

    private ReceivedSpan Process => Trace.Only(span => span.Kind == ActivityKind.Consumer);

    [Fact]
    public void One_trace_leads_from_the_request_to_the_delivered_notification()
    {
        var edge = Assert.Single(Trace.Roots);
        var call = Trace.Only(span => span.Service == "gateway" && span.Kind == ActivityKind.Client);
        var server = Trace.Only(span => span.Service == "orders" && span.Kind == ActivityKind.Server);
        var (create, insert) = (Trace.Only("create order"), Trace.Only("INSERT order"));

        AssertSpan(edge, "gateway", ActivityKind.Server, "POST /api/v1/orders");
        AssertSpan(server, "orders", ActivityKind.Server, "POST /api/v1/orders");
        AssertSpan(create, "orders", ActivityKind.Internal, "create order");
        AssertSpan(insert, "orders", ActivityKind.Client, "INSERT order");
        AssertSpan(Publish, "orders", ActivityKind.Producer, "publish orders:order.created");
        AssertSpan(Process, "notifications", ActivityKind.Consumer, "process orders:order.created:notifications");
        Trace.AssertWay(edge, call, server, create, insert);
        Trace.AssertWay(create, Publish, Process, Trace.Only("send email"));
        Trace.AssertWay(Process, Trace.Only("store notifications"));
        Assert.DoesNotContain(Trace.Spans, span => span.Status == ActivityStatusCode.Error);
    }

    [Fact]
    public void The_spans_say_which_order_and_which_message_they_are_about()
    {
        var (edge, create) = (Assert.Single(Trace.Roots), Trace.Only("create order"));

        Assert.Equal(order.Id, create["goreliable.order.id"]);
        Assert.Equal(1L, create["goreliable.order.item_count"]);
        Assert.Equal("EUR", create["goreliable.order.currency"]);
        Assert.Equal(order.Id, Process["goreliable.order.id"]);
        Assert.Equal(201L, edge["http.response.status_code"]);
        Assert.Equal("/api/v1/orders", edge["http.route"]);
        Assert.Equal("postgresql", Trace.Only("INSERT order")["db.system.name"]);
        foreach (var message in new[] { Publish, Process })
        {
            Assert.Equal("rabbitmq", message["messaging.system"]);
            Assert.Equal("order.created", message["messaging.rabbitmq.destination.routing_key"]);
            Assert.Equal(Publish["messaging.message.id"], message["messaging.message.id"]);
        }
    }

    [Fact]
    public void A_consumer_span_covers_the_processing_and_not_the_waiting()
    {
        var store = Trace.Only("store notifications");

        Assert.True(Process.Start >= Publish.Start, $"{Trace}");
        Assert.True(Process.Start <= store.Start && Process.End >= store.End, $"{Trace}");
    }

    [Fact]
    public void Every_service_identifies_itself_in_its_telemetry()
    {
        Assert.Equal(
            ["gateway", "notifications", "orders"],
            Trace.Spans.Select(span => span.Service).Distinct().Order(StringComparer.Ordinal)
        );
        foreach (var span in Trace.Spans)
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

    [Fact]
    public async Task A_replay_names_the_order_that_exists_and_a_key_of_another_order_names_none()
    {
        using var alice = platform.Client("alice");
        var key = Guid.NewGuid().ToString();
        async Task<object?> NamedAsync(string body)
        {
            var trace = await platform.TraceAsync(await alice.PostRawAsync(body, idempotencyKey: key), "create order");
            return trace.Only("create order")["goreliable.order.id"];
        }
        var created = await alice.PostRawAsync(Body, idempotencyKey: key);

        Assert.Equal($"{(await created.ReadAsync<OrderAnswer>()).Id}", await NamedAsync(Body));
        Assert.Null(await NamedAsync(Body.Replace("1.5", "2.5", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Polling_probes_and_scrapes_make_no_spans()
    {
        using var management = platform.Management("orders");
        await management.GetAsync("/health/ready", TestContext.Current.CancellationToken);
        await management.GetAsync("/metrics", TestContext.Current.CancellationToken);
        // Theirs would have come by then.
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

    private static void AssertSpan(ReceivedSpan span, string service, ActivityKind kind, string name) =>
        Assert.Equal((service, kind, name), (span.Service, span.Kind, span.Name));

    /// <summary>An order of a customer with an address, and its trace.</summary>
    public sealed class OneOrder(SharedPlatform shared) : IAsyncLifetime
    {
        public string Id { get; private set; } = "";

        public SpanTree Trace { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            using var alice = shared.Platform.Client("alice");
            var response = await alice.PostRawAsync(
                Body.Replace("}]", "}],\"contactEmail\":\"a@example.com\"", StringComparison.Ordinal)
            );
            Id = $"{(await response.ReadAsync<OrderAnswer>()).Id}";
            Trace = await shared.Platform.TraceAsync(response, "send email", "store notifications");
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
