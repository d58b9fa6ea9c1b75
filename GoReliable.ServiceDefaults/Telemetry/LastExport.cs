using Microsoft.Extensions.Hosting;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace GoReliable.ServiceDefaults.Telemetry;

/// <summary>
/// Sends what is left when the service has stopped; spans, logs and metrics at once. The container's disposal would
/// send one after the other, and a collector that accepts and never answers would delay the end by three time-outs
/// instead of one.
/// </summary>
internal sealed class LastExport(TracerProvider traces, MeterProvider metrics, LoggerProvider logs)
    : IHostedLifecycleService
{
    private const int TimeoutMilliseconds = 5000;

    // Not cancelled by the host's deadline: telemetry about work that was broken off is just what people will want to
    // read.
    public Task StoppedAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(
            Task.Run(() => traces.Shutdown(TimeoutMilliseconds), CancellationToken.None),
            Task.Run(() => metrics.Shutdown(TimeoutMilliseconds), CancellationToken.None),
            Task.Run(() => logs.Shutdown(TimeoutMilliseconds), CancellationToken.None)
        );

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
