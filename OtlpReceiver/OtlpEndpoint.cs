using System.Net;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OtlpReceiver.Protocol;

namespace OtlpReceiver;

/// <summary>
/// An OTLP endpoint on loopback that remembers what it received: traces, logs and metrics, over gRPC and HTTP.
/// </summary>
/// <example><code>
/// await using var otlp = await OtlpEndpoint.StartAsync(cancellationToken);
/// // … run something with OTEL_EXPORTER_OTLP_ENDPOINT={otlp.GrpcEndpoint} …
/// var trace = await otlp.WaitForTraceAsync(traceId, ["POST /api/v1/orders", "INSERT order"], cancellationToken);
/// Assert.Equal("create order", trace.ParentOf(trace.Only("INSERT order"))?.Name);
/// </code></example>
public sealed partial class OtlpEndpoint : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TelemetryStore _store;
    private readonly TimeSpan _waitTimeout;
    private readonly ICollection<string> _addresses;

    private OtlpEndpoint(WebApplication app, TelemetryStore store, TimeSpan waitTimeout)
    {
        _app = app;
        _store = store;
        _waitTimeout = waitTimeout;
        _addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
    }

    /// <summary>For <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> with <c>OTEL_EXPORTER_OTLP_PROTOCOL=grpc</c>.</summary>
    public Uri GrpcEndpoint => new(_addresses.First());

    /// <summary>For <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> with <c>OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf</c>.</summary>
    public Uri HttpEndpoint => new(_addresses.Last());

    /// <summary>Starts one on free ports, with the default bound and time-out.</summary>
    public static Task<OtlpEndpoint> StartAsync(CancellationToken cancellationToken) =>
        StartAsync(new OtlpEndpointOptions(), cancellationToken);

    /// <summary>Starts one on free ports.</summary>
    public static async Task<OtlpEndpoint> StartAsync(OtlpEndpointOptions options, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Capacity, 1);
        var store = new TelemetryStore(options.Capacity);
        var intake = new Intake(store);

        // Empty: neither ASPNETCORE_URLS nor any other setting meant for the process around it may reach this server.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // gRPC comes first in both lists, the ports here and the addresses that the server reports.
        builder
            .WebHost.UseKestrelCore()
            .ConfigureKestrel(kestrel =>
            {
                kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
                kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
            });
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        // An export takes milliseconds; one that is still under way after this is hanging.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(intake);
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = Intake.MaxPayloadBytes);
        builder.Services.AddSingleton<IServiceMethodProvider<Intake>, GrpcCollector>();

        var app = builder.Build();
        app.MapGrpcService<Intake>();
        app.MapHttpCollector(intake);
        try
        {
            await app.StartAsync(cancellationToken);
            return new OtlpEndpoint(app, store, options.WaitTimeout);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Closes both ports. What was received can still be asked for.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    /// <summary>
    /// Leaves Ctrl-C and SIGTERM to the process around it; the host's own lifetime would swallow them.
    /// </summary>
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
