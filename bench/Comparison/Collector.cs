using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace GoReliable.Bench.Comparison;

/// <summary>
/// Takes telemetry over OTLP with gRPC, as the Collector does, and throws it away: what sending costs the services is
/// measured, what becomes of it is not.
/// </summary>
internal sealed class Collector : IAsyncDisposable
{
    // An empty message, without compression: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
    private static readonly byte[] Nothing = new byte[5];

    private const int Window = 4 * 1024 * 1024;

    private readonly WebApplication app;

    private Collector(WebApplication app) => this.app = app;

    /// <summary>For <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>.</summary>
    public string Endpoint =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public static async Task<Collector> StartAsync(CancellationToken cancellationToken)
    {
        // Empty: no setting that is meant for this process reaches the server, and no signal.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder
            .WebHost.UseKestrelCore()
            .ConfigureKestrel(kestrel =>
            {
                kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
                // A whole batch without a frame back: it is to cost little here.
                kestrel.Limits.Http2.InitialConnectionWindowSize = kestrel.Limits.Http2.InitialStreamWindowSize =
                    Window;
            });
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        var app = builder.Build();
        app.Run(async context =>
        {
            await DropAsync(context.Request.BodyReader, context.RequestAborted);
            context.Response.ContentType = "application/grpc";
            context.Response.DeclareTrailer("grpc-status");
            await context.Response.Body.WriteAsync(Nothing, context.RequestAborted);
            context.Response.AppendTrailer("grpc-status", "0");
        });
        await app.StartAsync(cancellationToken);
        return new Collector(app);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private static async Task DropAsync(PipeReader body, CancellationToken cancellationToken)
    {
        ReadResult read;
        do
        {
            read = await body.ReadAsync(cancellationToken);
            body.AdvanceTo(read.Buffer.End);
        } while (!read.IsCompleted);
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
