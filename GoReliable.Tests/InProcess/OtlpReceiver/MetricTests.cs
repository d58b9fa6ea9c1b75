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
        var requests = sender.Meter.CreateCounter<long>("requests", "{request}");
        requests.Add(2, new KeyValuePair<string, object?>("method", "GET"));
        requests.Add(1, new KeyValuePair<string, object?>("method", "POST"));
        sender.Flush();
        requests.Add(3, new KeyValuePair<string, object?>("method", "GET"));
        sender.Flush();

        var point = await otlp.WaitForMetricAsync("requests", p => p.Value == 5, Cancel);

        Assert.Equal((MetricKind.Counter, "{request}", "GET"), (point.Kind, point.Unit, point["method"]));
        Assert.Equal(("shop", sender.Meter.Name), (point.Service, point.Scope));
        Assert.Equal([1, 5], otlp.Metrics().Select(p => p.Value).Order());
    }

    [Fact]
    public async Task A_histogram_of_the_SDK_arrives_with_its_buckets()
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
        duration.Record(4);
        sender.Flush();

        var point = await otlp.WaitForMetricAsync("duration", p => p.Kind == MetricKind.Histogram, Cancel);

        Assert.Equal(4.6, point.Value, precision: 9);
        Assert.Equal([new(0.1, 1), new(1, 1), new(double.PositiveInfinity, 1)], point.Buckets);
    }

    [Fact]
    public async Task Gauges_and_up_down_counters_arrive_too()
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Cancel);
        using var sender = new SdkSender(otlp);
        sender.Meter.CreateGauge<double>("temperature").Record(21.5);
        sender.Meter.CreateUpDownCounter<int>("in_flight").Add(-2);
        sender.Flush();

        var gauge = await otlp.WaitForMetricAsync("temperature", p => p.Value == 21.5, Cancel);
        var upDown = await otlp.WaitForMetricAsync("in_flight", p => p.Value == -2, Cancel);

        Assert.Equal((MetricKind.Gauge, MetricKind.UpDownCounter), (gauge.Kind, upDown.Kind));
    }
}
