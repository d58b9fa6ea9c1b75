using System.Diagnostics;
using OpenTelemetry.Exporter;
using OtlpReceiver;

namespace GoReliable.Tests.InProcess.OtlpReceiver;

public sealed class SpanTests
{
    private static readonly string[] Channels = ["email", "webhook"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(OtlpExportProtocol.Grpc)]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    public async Task A_span_of_the_SDK_arrives_whole(OtlpExportProtocol protocol)
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Cancel);
        using var sender = new SdkSender(otlp, protocol);
        var linked = new ActivityContext(
            ActivityTraceId.CreateRandom(),
            ActivitySpanId.CreateRandom(),
            ActivityTraceFlags.Recorded
        );
        var sent = sender.Source.StartActivity(
            "deliver order.created",
            ActivityKind.Consumer,
            default(ActivityContext),
            tags: [new("attempt", 2), new("ratio", 0.5), new("last", true), new("channels", Channels)],
            links: [new ActivityLink(linked, new ActivityTagsCollection { ["why"] = "redelivered" })]
        )!;
        sent.AddException(new InvalidOperationException("mailbox full"));
        sent.SetStatus(ActivityStatusCode.Error, "not delivered");
        sent.Stop();
        sender.Flush();

        var span = await otlp.WaitForSpanAsync(s => s.SpanId == sent.SpanId.ToString(), Cancel);

        Assert.Equal("deliver order.created", span.Name);
        Assert.Equal(ActivityKind.Consumer, span.Kind);
        Assert.Equal(sent.TraceId.ToString(), span.TraceId);
        Assert.Null(span.ParentSpanId);
        Assert.Equal("shop", span.Service);
        Assert.Equal(sender.Source.Name, span.Resource["service.instance.id"]);
        Assert.Equal(sender.Source.Name, span.Scope);
        Assert.Equal(sent.StartTimeUtc, span.Start.UtcDateTime);
        Assert.Equal(sent.Duration, span.Duration);
        Assert.Equal(2L, span["attempt"]);
        Assert.Equal(0.5, span["ratio"]);
        Assert.Equal(true, span["last"]);
        Assert.Equal(Channels, Assert.IsType<IEnumerable<object?>>(span["channels"], exactMatch: false));
        Assert.Null(span["absent"]);
        Assert.Equal((ActivityStatusCode.Error, "not delivered"), (span.Status, span.StatusMessage));
        var failure = Assert.Single(span.Events);
        Assert.Equal("exception", failure.Name);
        Assert.Equal("mailbox full", failure.Attributes["exception.message"]);
        var link = Assert.Single(span.Links);
        Assert.Equal((linked.TraceId.ToString(), linked.SpanId.ToString()), (link.TraceId, link.SpanId));
        Assert.Equal("redelivered", link.Attributes["why"]);
    }

    [Fact]
    public async Task Spans_of_several_services_become_one_tree()
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Cancel);
        using var gateway = new SdkSender(otlp, OtlpExportProtocol.Grpc, "gateway");
        using var orders = new SdkSender(otlp, OtlpExportProtocol.HttpProtobuf, "orders");
        string traceId;
        using (var edge = gateway.Source.StartActivity("POST /api/v1/orders", ActivityKind.Server)!)
        {
            traceId = edge.TraceId.ToString();
            using var create = orders.Source.StartActivity("create order", ActivityKind.Internal)!;
            orders.Source.StartActivity("INSERT order", ActivityKind.Client)!.Stop();
            orders.Source.StartActivity("INSERT order", ActivityKind.Client)!.Stop();
        }

        gateway.Flush();
        orders.Flush();
        var tree = await otlp.WaitForTraceAsync(
            traceId,
            ["POST /api/v1/orders", "create order", "INSERT order", "INSERT order"],
            Cancel
        );

        var root = Assert.Single(tree.Roots);
        Assert.Equal("gateway", root.Service);
        var inner = tree.Only("create order");
        Assert.Equal(root, tree.ParentOf(inner));
        Assert.Equal(tree.Named("INSERT order"), tree.ChildrenOf(inner));
        var lines = tree.ToString().Split(Environment.NewLine);
        Assert.Equal($"trace {traceId}: 4 spans of gateway, orders", lines[0]);
        Assert.StartsWith("└─ POST /api/v1/orders [SERVER gateway] ", lines[1]);
        Assert.StartsWith("   └─ create order [INTERNAL orders] ", lines[2]);
        Assert.StartsWith("      ├─ INSERT order [CLIENT orders] ", lines[3]);
        Assert.StartsWith("      └─ INSERT order [CLIENT orders] ", lines[4]);

        var error = Assert.Throws<InvalidOperationException>(() => tree.Only("INSERT order"));
        Assert.StartsWith("There are 2 spans named \"INSERT order\", not one:", error.Message);
        Assert.Contains(lines[1], error.Message);
    }
}
