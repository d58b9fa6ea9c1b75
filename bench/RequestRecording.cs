using System.Diagnostics;
using System.Diagnostics.Metrics;
using BenchmarkDotNet.Attributes;
using GoReliable.Gateway;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace GoReliable.Bench;

/// <summary>
/// What the gateway's own metrics cost one request: in-flight gauge up and down, counter and histogram with three
/// labels and an exemplar, with the readers that a service has. To stay under 1 µs and at 0 B.
/// </summary>
[MemoryDiagnoser]
public class RequestRecording
{
    private ServiceProvider services = null!;
    private Telemetry telemetry = null!;
    private Activity span = null!;

    [GlobalSetup]
    public void Setup()
    {
        var collection = new ServiceCollection();
        collection.AddMetrics();
        collection
            .AddOpenTelemetry()
            .WithMetrics(metrics =>
                metrics
                    .AddMeter("GoReliable.*")
                    .SetExemplarFilter(ExemplarFilterType.TraceBased)
                    .AddPrometheusExporter()
            );
        services = collection.BuildServiceProvider();
        // Builds the reader; without one nothing would be recorded.
        services.GetRequiredService<MeterProvider>();
        telemetry = new Telemetry(services.GetRequiredService<IMeterFactory>());
        telemetry.StartAtZero();
        span = new Activity("request") { ActivityTraceFlags = ActivityTraceFlags.Recorded }.Start();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        span.Dispose();
        services.Dispose();
    }

    [Benchmark]
    public void OneRequest()
    {
        telemetry.RequestStarted();
        telemetry.RequestEnded(Telemetry.KnownMethod("POST"), "/api/v1/orders", 201, TimeSpan.FromMilliseconds(3.4));
    }
}
