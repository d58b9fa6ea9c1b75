using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Trace;

namespace GoReliable.ServiceDefaults.Telemetry;

/// <summary>Sends what is recorded to a collector.</summary>
internal static class OtlpExporters
{
    /// <summary>
    /// Each of these switches the export on. A signal without an endpoint of its own then goes to the default one, on
    /// this host: https://opentelemetry.io/docs/specs/otel/protocol/exporter/.
    /// </summary>
    private static readonly string[] EndpointVariables =
    [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    ];

    /// <summary>
    /// All three signals, unless <c>OTEL_METRICS_EXPORTER</c> says that metrics go another way: each reader of metrics
    /// takes memory, and time for each measurement. /metrics is always there.
    /// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#exporter-selection
    /// </summary>
    /// <remarks>
    /// Without an endpoint nothing is exported, and nothing waits for one. With one that is down the batches are dropped
    /// when their queue is full (OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BLRP_MAX_QUEUE_SIZE: 2048).
    /// </remarks>
    public static void AddOtlpExporters(this OpenTelemetryBuilder openTelemetry, WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        if (EndpointVariables.All(variable => string.IsNullOrWhiteSpace(configuration[variable])))
            return;
        builder.Services.AddHostedService<LastExport>();

        var metrics = configuration["OTEL_METRICS_EXPORTER"];
        if (string.IsNullOrWhiteSpace(metrics) || metrics.Split(',', StringSplitOptions.TrimEntries).Contains("otlp"))
            openTelemetry.UseOtlpExporter();
        else
            openTelemetry
                .WithTracing(tracing => tracing.AddOtlpExporter(otlp => Configure(otlp, configuration, "TRACES")))
                .WithLogging(logging => logging.AddOtlpExporter(otlp => Configure(otlp, configuration, "LOGS")));
    }

    // Only UseOtlpExporter, which exports metrics too, reads the variables for one signal itself.
    private static void Configure(OtlpExporterOptions otlp, ConfigurationManager configuration, string signal)
    {
        if (Value("ENDPOINT") is { } endpoint)
            otlp.Endpoint = new Uri(endpoint);
        if (Value("HEADERS") is { } headers)
            otlp.Headers = headers;
        if (int.TryParse(Value("TIMEOUT"), CultureInfo.InvariantCulture, out var milliseconds))
            otlp.TimeoutMilliseconds = milliseconds;
        otlp.Protocol = Value("PROTOCOL") switch
        {
            "grpc" => OtlpExportProtocol.Grpc,
            "http/protobuf" => OtlpExportProtocol.HttpProtobuf,
            _ => otlp.Protocol,
        };
        otlp.Compression = Value("COMPRESSION") switch
        {
            "none" => OtlpExportCompression.None,
            "gzip" => OtlpExportCompression.GZip,
            _ => otlp.Compression,
        };

        string? Value(string name) =>
            configuration[$"OTEL_EXPORTER_OTLP_{signal}_{name}"] is { } value && !string.IsNullOrWhiteSpace(value)
                ? value
                : null;
    }
}
