using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.ServiceDefaults.Health;
using GoReliable.ServiceDefaults.Lifecycle;
using GoReliable.ServiceDefaults.Logging;
using GoReliable.ServiceDefaults.Management;
using GoReliable.ServiceDefaults.Problems;
using GoReliable.ServiceDefaults.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;

namespace Microsoft.Extensions.Hosting;

/// <summary>What every service gets with one call.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>
    /// Adds settings from <c>GORELIABLE_CONFIG</c>, logs, telemetry, an orderly stop, health checks, the management
    /// port, problem details, service discovery and resilient HTTP clients.
    /// </summary>
    /// <remarks>
    /// It also changes what holds for the whole service: JSON with a member twice is refused; no setting brings the
    /// logs of ASP.NET, HttpClient, YARP, Npgsql and Polly below Warning; only the trace context is sent and read, no
    /// baggage; a wrong setting ends the process with one line and exit code 1. Of a service's own meters and activity
    /// sources, only those named <c>GoReliable.*</c> are exported: one with another name adds its own. Authentication is
    /// a call of its own, <see cref="GoReliable.ServiceDefaults.Identity.IdentityExtensions.AddIdentity"/>.
    /// </remarks>
    /// <param name="builder">The builder of a service; its URLs gain the management port.</param>
    /// <exception cref="InvalidSettingException">
    /// <c>MANAGEMENT_PORT</c> is not a port, or is the public one; <c>GORELIABLE_CONFIG</c> names no readable file;
    /// <c>Chaos</c> has a mistake, or is on in Production.
    /// </exception>
    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder)
    {
        InvalidSettingException.EndWithOneLine();
        builder.AddConfigurationFile();
        builder.AddLogs();
        var managementPort = ManagementPort.Bind(builder);

        builder.AddTelemetry(managementPort);
        builder.AddLifecycle(); // after telemetry, and so stopped before it
        builder.AddChaos();
        builder.Services.AddHealthChecks();
        builder.Services.AddProblems();
        // A body that has a member twice is refused: .NET would take the last one, and nobody knows which was meant.
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.AllowDuplicateProperties = false);
        builder.Services.AddServiceDiscovery();
        // For services that call others. None of these three does: the gateway forwards, with retries of its own. Only
        // OpenTelemetry's exporter takes such a client, over http/protobuf. A POST is never repeated: it may have been
        // done although its answer was lost.
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            http.AddStandardResilienceHandler(standard => standard.Retry.DisableForUnsafeHttpMethods());
            http.AddHttpMessageHandler<ChaosHandler>();
            http.AddServiceDiscovery();
        });

        // By default Kestrel names itself to every client.
        builder.Services.Configure<KestrelServerOptions>(kestrel => kestrel.AddServerHeader = false);

        return builder;
    }

    /// <summary>
    /// Answers <c>/metrics</c> and <c>/health/{live,ready,startup}</c> on the management port, and nothing else there
    /// but what the service adds. Call it first: these requests pass none of the middleware that comes later. While the
    /// service stops, every request is the last of its connection.
    /// </summary>
    /// <param name="app">The service.</param>
    /// <param name="operate">
    /// Maps endpoints for operators: on this port and on no other, with authentication and problem documents. Each
    /// endpoint must say who may use it. Needs <c>AddIdentity</c>.
    /// </param>
    public static WebApplication MapDefaultEndpoints(
        this WebApplication app,
        Action<IEndpointRouteBuilder>? operate = null
    )
    {
        var port = app.Services.GetRequiredService<ManagementPort>();

        app.UseDrain();
        app.MapWhen(port.Received, management =>
            management
                .UseWithoutHttpMetrics()
                .UseHealthEndpoints()
                .UsePrometheusEndpoint()
                .UseOperatorEndpoints(operate)
                .UseNotFound()
        );

        return app;
    }
}
