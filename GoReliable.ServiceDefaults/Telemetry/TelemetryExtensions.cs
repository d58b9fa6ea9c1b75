using System.Diagnostics;
using System.Diagnostics.Metrics;
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
    /// Of ASP.NET only these. <c>AddAspNetCoreInstrumentation</c> counts routing, authorization and rate limits too: a
    /// tenth of what an order costs the gateway, for what <c>http_server_</c> and our own metrics say already.
    /// </summary>
    private static readonly string[] DotNetMeters =
    [
        "Microsoft.AspNetCore.Hosting",
        "Microsoft.AspNetCore.Server.Kestrel",
        "System.Net.Http",
        "System.Net.NameResolution",
        "System.Runtime",
    ];

    public static void AddTelemetry(this WebApplicationBuilder builder, ManagementPort managementPort)
    {
        var service = new ServiceResource(builder.Environment);
        builder.Services.AddSingleton(service);

        // In three places: for .NET's client; for ASP.NET, which copied the default when the builder was made; and for
        // OpenTelemetry.
        DistributedContextPropagator.Current = new TraceContextOnly();
        builder.Services.AddSingleton(DistributedContextPropagator.Current);
        Sdk.SetDefaultTextMapPropagator(new TraceContextPropagator());

        LimitExemplars(builder.Configuration);

        // No scopes: ASP.NET's carry the request's path. The trace id comes without them.
        builder.Logging.AddOpenTelemetry(logging => logging.IncludeFormattedMessage = true);

        builder
            .Services.AddOpenTelemetry()
            .ConfigureResource(resource => service.Describe(resource))
            .WithMetrics(metrics =>
                metrics
                    .AddMeter(OwnTelemetry)
                    .AddMeter(DotNetMeters)
                    .AddView(MakeLessRoom)
                    .AddPrometheusExporter(prometheus => prometheus.ScopeInfoEnabled = false)
            )
            .WithTracing(tracing =>
                tracing
                    .AddSource(OwnTelemetry, ClientSpans.Source)
                    .AddAspNetCoreInstrumentation(server =>
                    {
                        server.Filter = context => !managementPort.Received(context);
                        server.RecordException = true;
                        server.EnrichWithHttpRequest = RemoveClientText;
                        server.EnrichWithHttpResponse = (activity, response) =>
                            activity.SetTag("url.path", Route(response.HttpContext));
                    })
                    .AddProcessor<ClientSpans>()
            )
            .AddOtlpExporters(builder);
    }

    // For each metric the SDK makes room for 2,000 series at once. Those of .NET and Npgsql have far fewer: 6 MB less
    // for a gateway. Whoever adds another meter keeps the SDK's limit.
    private static MetricStreamConfiguration? MakeLessRoom(Instrument instrument) =>
        instrument.Meter.Name == "Npgsql" || DotNetMeters.Contains(instrument.Meter.Name)
            ? new MetricStreamConfiguration { CardinalityLimit = 500 }
            : null;

    // Exemplars of traces are the default of the specification, but not of the SDK. Unless somebody chooses, as Aspire
    // does in development, only histograms have them: nobody looks for them at a counter, and each measurement would
    // cost more.
    private static void LimitExemplars(ConfigurationManager configuration)
    {
        const string All = "OTEL_METRICS_EXEMPLAR_FILTER";
        const string Histograms = "OTEL_DOTNET_EXPERIMENTAL_METRICS_EXEMPLAR_FILTER_HISTOGRAMS";
        if (!string.IsNullOrWhiteSpace(configuration[All]))
            return;
        configuration[All] = "always_off";
        if (string.IsNullOrWhiteSpace(configuration[Histograms]))
            configuration[Histograms] = "trace_based";
    }

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
}
