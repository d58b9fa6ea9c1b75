using System.Diagnostics.Metrics;
using OpenTelemetry.Exporter;
using OtlpReceiver;

namespace GoReliable.Tests.InProcess.OtlpReceiver;

public sealed class MetricTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(OtlpExportProtocol.Grpc)]
    [InlineData(OtlpExportProtocol.HttpProtobuf)]
    public async Task A_counter_of_the_SDK_arrives_as_one_latest_point_per_series(OtlpExportProtocol protocol)
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Cancel);
        using var sender = new SdkSender(otlp, protocol);
        var requests = sender.Meter.CreateCounter<long>("requests", "{request}", "Requests served");
        requests.Add(2, new("method", "GET"), new("status_code", 200));
        requests.Add(1, new("method", "POST"), new("status_code", 201));
        sender.Flush();
        requests.Add(3, new("method", "GET"), new("status_code", 200));
        sender.Flush();

        var point = await otlp.WaitForMetricAsync("requests", p => p.Value == 5, Cancel);

        Assert.Equal(MetricKind.Counter, point.Kind);
        Assert.False(point.IsDelta);
        Assert.Equal(("{request}", "Requests served"), (point.Unit, point.Description));
        Assert.Equal(("shop", sender.Meter.Name), (point.Service, point.Scope));
        Assert.True(point.Start < point.Time);
        Assert.Equal(2, otlp.Metrics("requests").Count);
        Assert.Equal([point], otlp.Metrics("requests", ("method", "GET"), ("status_code", 200)));
        Assert.Empty(otlp.Metrics("requests", ("method", "DELETE")));
    }

    [Fact]
    public async Task A_histogram_of_the_SDK_arrives_with_buckets_and_exemplars()
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Cancel);
        using var sender = new SdkSender(otlp);
        var duration = sender.Meter.CreateHistogram(
            "duration",
            "s",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] }
        );
        duration.Record(0.1);
        duration.Record(0.5);
        var slow = sender.Source.StartActivity("slow request")!;
        duration.Record(4);
        slow.Stop();
        sender.Flush();

        var point = await otlp.WaitForMetricAsync("duration", p => p.Count == 3, Cancel);

        Assert.Equal(MetricKind.Histogram, point.Kind);
        Assert.Equal(4.6, point.Value, precision: 9);
        Assert.Equal([new(0.1, 1), new(1, 1), new(double.PositiveInfinity, 1)], point.Buckets);
        var exemplar = Assert.Single(point.Exemplars);
        Assert.Equal(4, exemplar.Value);
        Assert.Equal((slow.TraceId.ToString(), slow.SpanId.ToString()), (exemplar.TraceId, exemplar.SpanId));
        await otlp.WaitForTraceAsync(exemplar.TraceId!, ["slow request"], Cancel);
    }

    [Fact]
    public async Task Gauges_up_down_counters_and_exponential_histograms_arrive_too()
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Cancel);
        using var sender = new SdkSender(otlp);
        sender.Meter.CreateGauge<double>("temperature").Record(21.5);
        sender.Meter.CreateUpDownCounter<int>("in_flight").Add(-2);
        sender.Meter.CreateHistogram<double>("exponential").Record(3);
        sender.Flush();

        var gauge = await otlp.WaitForMetricAsync("temperature", p => p.Value == 21.5, Cancel);
        var upDown = await otlp.WaitForMetricAsync("in_flight", p => p.Value == -2, Cancel);
        var exponential = await otlp.WaitForMetricAsync("exponential", p => p.Value == 3, Cancel);

        Assert.Equal(
            [MetricKind.Gauge, MetricKind.UpDownCounter, MetricKind.ExponentialHistogram],
            [gauge.Kind, upDown.Kind, exponential.Kind]
        );
        Assert.Equal(1, exponential.Count);
    }
}
