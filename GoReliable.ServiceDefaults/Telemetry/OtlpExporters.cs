using System.Globalization;
using GoReliable.ServiceDefaults.Configuration;
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
    /// <exception cref="InvalidSettingException">An endpoint is no URL.</exception>
    public static void AddOtlpExporters(this OpenTelemetryBuilder openTelemetry, WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        if (EndpointVariables.All(variable => string.IsNullOrWhiteSpace(configuration[variable])))
            return;
        foreach (var variable in EndpointVariables)
            RequireUrl(variable, configuration[variable]);
        builder.Services.AddHostedService<LastExport>();

        var metrics = configuration["OTEL_METRICS_EXPORTER"];
        if (string.IsNullOrWhiteSpace(metrics) || metrics.Split(',', StringSplitOptions.TrimEntries).Contains("otlp"))
            openTelemetry.UseOtlpExporter();
        else
            openTelemetry
                .WithTracing(tracing => tracing.AddOtlpExporter(otlp => Configure(otlp, configuration, "TRACES")))
                .WithLogging(logging => logging.AddOtlpExporter(otlp => Configure(otlp, configuration, "LOGS")));
    }

    /// <summary>
    /// Reads the variables for one signal, which the SDK does itself only in <c>UseOtlpExporter</c>, where metrics are
    /// exported too.
    /// </summary>
    /// <exception cref="InvalidSettingException">One cannot be read.</exception>
    internal static void Configure(OtlpExporterOptions otlp, IConfiguration configuration, string signal)
    {
        if (Value("ENDPOINT") is { } endpoint)
            otlp.Endpoint = new Uri(endpoint);
        if (Value("HEADERS") is { } headers)
            otlp.Headers = headers;
        if (Value("TIMEOUT") is { } timeout)
            otlp.TimeoutMilliseconds = int.TryParse(timeout, CultureInfo.InvariantCulture, out var milliseconds)
                ? milliseconds
                : throw Wrong("TIMEOUT", timeout, "a number of milliseconds");
        otlp.Protocol = Value("PROTOCOL") switch
        {
            "grpc" => OtlpExportProtocol.Grpc,
            "http/protobuf" => OtlpExportProtocol.HttpProtobuf,
            null => otlp.Protocol,
            { } other => throw Wrong("PROTOCOL", other, "grpc or http/protobuf"),
        };
        otlp.Compression = Value("COMPRESSION") switch
        {
            "none" => OtlpExportCompression.None,
            "gzip" => OtlpExportCompression.GZip,
            null => otlp.Compression,
            { } other => throw Wrong("COMPRESSION", other, "none or gzip"),
        };

        string? Value(string name) =>
            configuration[$"OTEL_EXPORTER_OTLP_{signal}_{name}"] is { } value && !string.IsNullOrWhiteSpace(value)
                ? value
                : null;

        InvalidSettingException Wrong(string name, string value, string right) =>
            new($"OTEL_EXPORTER_OTLP_{signal}_{name} is '{value}', but must be {right}.");
    }

    // With another one the SDK would send to the default endpoint, and nobody would notice.
    private static void RequireUrl(string variable, string? endpoint)
    {
        if (string.IsNullOrWhiteSpace(endpoint))
            return;
        if (
            !Uri.TryCreate(endpoint, UriKind.Absolute, out var url)
            || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps)
        )
            throw new InvalidSettingException(
                $"{variable} is '{endpoint}', but must be a URL such as http://localhost:4317."
            );
    }
}
