using GoReliable.ServiceDefaults.Management;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace GoReliable.ServiceDefaults.Telemetry;

/// <summary>OpenTelemetry for every service: metrics, traces and logs.</summary>
internal static class TelemetryExtensions
{
    /// <summary>Meters and activity sources of this platform; each service names its own after its assembly.</summary>
    private const string OwnTelemetry = "GoReliable.*";

    public static void AddTelemetry(this WebApplicationBuilder builder, ManagementPort managementPort)
    {
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });

        var openTelemetry = builder.Services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics
                .AddMeter(OwnTelemetry)
                .AddAspNetCoreInstrumentation()
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .SetExemplarFilter(ExemplarFilterType.TraceBased)
                .AddPrometheusExporter(prometheus => prometheus.ScopeInfoEnabled = false))
            .WithTracing(tracing => tracing
                .AddSource(OwnTelemetry)
                .AddAspNetCoreInstrumentation(options => options.Filter = context => !managementPort.Received(context))
                .AddHttpClientInstrumentation());

        // Without an endpoint nothing is exported, and nothing waits for one.
        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
            openTelemetry.UseOtlpExporter();
    }

    public static IApplicationBuilder UsePrometheusEndpoint(this IApplicationBuilder app) =>
        app.UseOpenTelemetryPrometheusScrapingEndpoint("/metrics");
}
