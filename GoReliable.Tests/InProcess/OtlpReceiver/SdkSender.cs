using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using OtlpReceiver;

namespace GoReliable.Tests.InProcess.OtlpReceiver;

/// <summary>A service as the receiver sees one: the real OpenTelemetry SDK with its OTLP exporters.</summary>
internal sealed class SdkSender : IDisposable
{
    private readonly OpenTelemetrySdk _sdk;

    public SdkSender(OtlpEndpoint otlp, OtlpExportProtocol protocol = OtlpExportProtocol.Grpc, string service = "shop")
    {
        // Sources and meters are known to the whole process, so each sender listens to a name of its own.
        var name = $"{service}.{Guid.NewGuid():N}";
        Source = new ActivitySource(name);
        Meter = new Meter(name);

        _sdk = OpenTelemetrySdk.Create(sdk =>
            sdk.ConfigureResource(resource => resource.AddService(service, serviceInstanceId: name))
                .WithTracing(traces =>
                    traces.AddSource(name).AddOtlpExporter(exporter => Target(exporter, "v1/traces"))
                )
                .WithLogging(
                    logs => logs.AddOtlpExporter(exporter => Target(exporter, "v1/logs")),
                    options => options.IncludeFormattedMessage = true
                )
                .WithMetrics(metrics =>
                    metrics.AddMeter(name).AddOtlpExporter(exporter => Target(exporter, "v1/metrics"))
                )
        );
        Logger = _sdk.GetLoggerFactory().CreateLogger("Shop.Orders");

        void Target(OtlpExporterOptions exporter, string path)
        {
            exporter.Protocol = protocol;
            exporter.Endpoint =
                protocol == OtlpExportProtocol.Grpc ? otlp.GrpcEndpoint : new Uri(otlp.HttpEndpoint, path);
        }
    }

    public ActivitySource Source { get; }

    public Meter Meter { get; }

    public ILogger Logger { get; }

    /// <summary>Sends what is still held back.</summary>
    public void Flush()
    {
        Assert.True(_sdk.TracerProvider.ForceFlush(), "The SDK could not export its spans.");
        Assert.True(_sdk.LoggerProvider.ForceFlush(), "The SDK could not export its logs.");
        Assert.True(_sdk.MeterProvider.ForceFlush(), "The SDK could not export its metrics.");
    }

    public void Dispose()
    {
        _sdk.Dispose();
        Source.Dispose();
        Meter.Dispose();
    }
}
