using System.Diagnostics;
using System.Net;
using GoReliable.ServiceDefaults.Management;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace GoReliable.ServiceDefaults.Telemetry;

/// <summary>
/// OpenTelemetry for every service: metrics, traces and logs. Endpoint, protocol, sampler, resource and queue sizes are
/// configured by the standard <c>OTEL_*</c> variables, which the SDK reads itself.
/// </summary>
internal static class TelemetryExtensions
{
    /// <summary>Meters and activity sources of this platform; each service names its own after its assembly.</summary>
    private const string OwnTelemetry = "GoReliable.*";

    /// <summary>
    /// Not <c>AddAspNetCoreInstrumentation</c>, which counts routing, authorization and rate limits too: a tenth of
    /// what an order costs the gateway, for what <c>http_server_</c> and our own metrics say already.
    /// </summary>
    private static readonly string[] AspNetCoreMeters =
    [
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
    ];

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

    public static void AddTelemetry(this WebApplicationBuilder builder, ManagementPort managementPort)
    {
        var service = new ServiceResource(builder.Environment);
        builder.Services.AddSingleton(service);
        builder.Services.AddExceptionHandler<ExceptionRecorder>();

        // For what .NET sends, for what ASP.NET receives (it took the default when the builder was made), and for what
        // OpenTelemetry's instrumentation adds to both.
        DistributedContextPropagator.Current = new TraceContextOnly();
        builder.Services.AddSingleton(DistributedContextPropagator.Current);
        Sdk.SetDefaultTextMapPropagator(new TraceContextPropagator());

        // No scopes: ASP.NET's carry the request's path. The trace id comes without them.
        builder.Logging.AddOpenTelemetry(logging => logging.IncludeFormattedMessage = true);

        var openTelemetry = builder
            .Services.AddOpenTelemetry()
            .ConfigureResource(resource => service.Describe(resource))
            .WithMetrics(metrics =>
                metrics
                    .AddMeter(OwnTelemetry)
                    .AddMeter(AspNetCoreMeters)
                    .AddHttpClientInstrumentation()
                    .AddRuntimeInstrumentation()
                    .AddExemplars(builder.Configuration)
                    .AddPrometheusExporter(prometheus => prometheus.ScopeInfoEnabled = false)
            )
            .WithTracing(tracing =>
                tracing
                    .AddSource(OwnTelemetry)
                    .AddAspNetCoreInstrumentation(server =>
                    {
                        server.Filter = context => !managementPort.Received(context);
                        server.RecordException = true;
                        server.EnrichWithHttpRequest = RemoveClientText;
                        server.EnrichWithHttpResponse = (activity, response) =>
                            activity.SetTag("url.path", Route(response.HttpContext));
                    })
                    // No RecordException here: .NET records it already.
                    .AddHttpClientInstrumentation(client =>
                    {
                        client.EnrichWithHttpRequestMessage = RemovePath;
                        client.EnrichWithHttpResponseMessage = ClearClientErrors;
                    })
            );

        // Without an endpoint nothing is exported, and nothing waits for one. With one that is down the batches are
        // dropped when their queue is full (OTEL_BSP_MAX_QUEUE_SIZE, OTEL_BLRP_MAX_QUEUE_SIZE: 2048).
        if (EndpointVariables.Any(variable => !string.IsNullOrWhiteSpace(builder.Configuration[variable])))
        {
            openTelemetry.AddOtlpExporters(builder.Configuration);
            builder.Services.AddHostedService<LastExport>();
        }
    }

    /// <summary>
    /// All three signals, unless <c>OTEL_METRICS_EXPORTER</c> says that metrics go another way: each reader of metrics
    /// takes memory, and time for each measurement. /metrics is always there.
    /// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#exporter-selection
    /// </summary>
    private static void AddOtlpExporters(this OpenTelemetryBuilder openTelemetry, ConfigurationManager configuration)
    {
        var metrics = configuration["OTEL_METRICS_EXPORTER"];
        if (string.IsNullOrWhiteSpace(metrics) || metrics.Split(',', StringSplitOptions.TrimEntries).Contains("otlp"))
        {
            openTelemetry.UseOtlpExporter();
            return;
        }
        openTelemetry
            .WithTracing(tracing => tracing.AddOtlpExporter(otlp => SendTo(otlp, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")))
            .WithLogging(logging => logging.AddOtlpExporter(otlp => SendTo(otlp, "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT")));

        // Only UseOtlpExporter, which exports metrics too, reads the variables for one signal itself.
        void SendTo(OtlpExporterOptions otlp, string variable)
        {
            if (!string.IsNullOrWhiteSpace(configuration[variable]))
                otlp.Endpoint = new Uri(configuration[variable]!);
        }
    }

    // The default of the specification, but not of the SDK. A value set in code would win over the variable.
    private static MeterProviderBuilder AddExemplars(
        this MeterProviderBuilder metrics,
        ConfigurationManager configuration
    ) =>
        string.IsNullOrWhiteSpace(configuration["OTEL_METRICS_EXEMPLAR_FILTER"])
            ? metrics.SetExemplarFilter(ExemplarFilterType.TraceBased)
            : metrics;

    public static IApplicationBuilder UsePrometheusEndpoint(this IApplicationBuilder app) =>
        app.UseOpenTelemetryPrometheusScrapingEndpoint("/metrics");

    // A query, an invented method, the name of a host or of a browser: a client may write anything there. OpenTelemetry
    // redacts only values of queries, and Aspire switches that off in development.
    private static void RemoveClientText(Activity activity, HttpRequest request) =>
        activity
            .SetTag("url.query", null)
            .SetTag("user_agent.original", null)
            .SetTag("http.request.method_original", null)
            .SetTag("server.address", null);

    // The route's template, or nothing if there is none, instead of the path, which is the client's text as well. The
    // convention wants sensitive parts scrubbed:
    // https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server
    private static string? Route(HttpContext context) =>
        ((context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint) as RouteEndpoint)
            ?.RoutePattern
            .RawText;

    private static void RemovePath(Activity activity, HttpRequestMessage request) =>
        activity.SetTag("url.full", request.RequestUri?.GetLeftPart(UriPartial.Authority));

    // .NET marks every 4xx on a client span as an error. Here it is a customer asking for another customer's order. As
    // errors, such spans would be kept by every tail sampler and hide the real ones.
    private static void ClearClientErrors(Activity activity, HttpResponseMessage response)
    {
        if (response.StatusCode is < HttpStatusCode.BadRequest or >= HttpStatusCode.InternalServerError)
            return;
        activity.SetStatus(ActivityStatusCode.Unset);
        activity.SetTag("error.type", null);
    }
}
