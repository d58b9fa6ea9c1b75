using System.Diagnostics;
using OtlpReceiver;

namespace GoReliable.Tests.InProcess.OtlpReceiver;

public sealed class WaitTests
{
    private static readonly OtlpEndpointOptions Impatient = new() { WaitTimeout = TimeSpan.FromMilliseconds(200) };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_wait_ends_when_the_last_span_arrives()
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Cancel);
        using var sender = new SdkSender(otlp);
        var root = sender.Source.StartActivity("root")!;
        var wait = otlp.WaitForTraceAsync(root.TraceId.ToString(), ["root", "child"], Cancel);

        sender.Source.StartActivity("child")!.Stop();
        sender.Flush();
        Assert.Single(otlp.Trace(root.TraceId.ToString()).Spans);
        Assert.False(wait.IsCompleted);

        root.Stop();
        sender.Flush();
        Assert.Equal(2, (await wait).Spans.Count);
    }

    [Fact]
    public async Task A_trace_is_not_ready_while_a_parent_is_missing()
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Impatient, Cancel);
        using var sender = new SdkSender(otlp);
        using var root = sender.Source.StartActivity("root")!;
        sender.Source.StartActivity("first")!.Stop();
        var parent = sender.Source.StartActivity("parent")!;
        sender.Source.StartActivity("second")!.Stop();
        sender.Flush();

        var error = await Assert.ThrowsAsync<TimeoutException>(() =>
            otlp.WaitForTraceAsync(root.TraceId.ToString(), ["first", "second"], Cancel)
        );
        Assert.Contains("all names are there, but parents between them are not", error.Message);
        Assert.Contains($"(parent {parent.SpanId} has not come)", error.Message);

        parent.Stop();
        root.Stop();
        sender.Flush();
        var tree = await otlp.WaitForTraceAsync(root.TraceId.ToString(), ["first", "second"], Cancel);
        Assert.Equal("parent", tree.ParentOf(tree.Only("second"))?.Name);
    }

    [Fact]
    public async Task A_time_out_shows_what_is_missing_and_what_there_is()
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Impatient, Cancel);
        using var sender = new SdkSender(otlp);
        var root = sender.Source.StartActivity("POST /api/v1/orders", ActivityKind.Server)!;
        sender
            .Source.StartActivity("INSERT order", ActivityKind.Client)!
            .SetStatus(ActivityStatusCode.Error, "deadlock")
            .Stop();
        root.Stop();
        sender.Flush();

        var error = await Assert.ThrowsAsync<TimeoutException>(() =>
            otlp.WaitForTraceAsync(
                root.TraceId.ToString(),
                ["POST /api/v1/orders", "INSERT order", "INSERT order", "publish order.created"],
                Cancel
            )
        );

        Assert.Contains("After 0.2 s", error.Message);
        Assert.Contains("missing \"INSERT order\", \"publish order.created\"", error.Message);
        Assert.Contains("└─ POST /api/v1/orders [SERVER shop]", error.Message);
        Assert.Contains("   └─ INSERT order [CLIENT shop]", error.Message);
        Assert.Contains("ERROR deadlock", error.Message);
    }

    [Fact]
    public async Task A_time_out_for_a_metric_shows_the_condition_and_the_values()
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Impatient, Cancel);
        using var sender = new SdkSender(otlp);
        sender.Meter.CreateCounter<long>("orders").Add(2, new KeyValuePair<string, object?>("currency", "EUR"));
        sender.Flush();

        var error = await Assert.ThrowsAsync<TimeoutException>(() =>
            otlp.WaitForMetricAsync("orders", p => p.Value == 3, Cancel)
        );

        Assert.Contains("no point of orders with p => p.Value == 3", error.Message);
        Assert.Contains("orders{currency=\"EUR\"} [Counter shop] 2", error.Message);
    }
}
