using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>Protocols of OTLP.</summary>
public enum OtlpProtocol
{
    /// <summary>gRPC.</summary>
    Grpc,

    /// <summary>HTTP with Protobuf.</summary>
    HttpProtobuf,

    /// <summary>HTTP with JSON.</summary>
    HttpJson,
}

/// <summary>Tells resources where to send their telemetry.</summary>
public static class OtlpConfigurationExtensions
{
    /// <summary>
    /// Sets the standard variables of OpenTelemetry. Aspire names its dashboard in them; this engine has none,
    /// so only an endpoint that somebody chose is handed on.
    /// </summary>
    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder) where T : IResourceWithEnvironment =>
        builder.WithOtlpExporter(builder.ApplicationBuilder.Configuration["OTEL_EXPORTER_OTLP_PROTOCOL"] ?? "grpc");

    /// <inheritdoc cref="WithOtlpExporter{T}(IResourceBuilder{T})"/>
    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder, OtlpProtocol protocol) where T : IResourceWithEnvironment =>
        builder.WithOtlpExporter(protocol switch
        {
            OtlpProtocol.HttpProtobuf => "http/protobuf",
            OtlpProtocol.HttpJson => "http/json",
            _ => "grpc",
        });

    private static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder, string protocol) where T : IResourceWithEnvironment
    {
        var development = builder.ApplicationBuilder.Environment.IsDevelopment();
        return builder.WithEnvironment(context =>
        {
            var variables = context.EnvironmentVariables;
            if (builder.ApplicationBuilder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 } endpoint)
            {
                variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint;
                variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;
            }

            variables["OTEL_SERVICE_NAME"] = builder.Resource.Name;
            variables["OTEL_RESOURCE_ATTRIBUTES"] = new ServiceInstanceId();
            if (!development)
                return;

            variables["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
            variables["OTEL_TRACES_SAMPLER"] = "always_on";
            variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
            variables["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true";
        });
    }

    /// <summary>Tells the replicas of a service apart in telemetry.</summary>
    private sealed class ServiceInstanceId : IValueProvider
    {
        public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult<string?>($"service.instance.id={Guid.NewGuid()}");
    }
}
