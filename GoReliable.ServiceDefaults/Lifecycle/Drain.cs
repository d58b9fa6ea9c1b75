using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GoReliable.ServiceDefaults.Lifecycle;

/// <summary>
/// How a service stops without a failed request: first it reports that it is not ready, but still answers every
/// request. Then it accepts no new requests and finishes those in progress.
/// </summary>
/// <remarks>
/// A signal cancels <see cref="Begun"/> at once. The host then calls every
/// <see cref="IHostedLifecycleService.StoppingAsync"/>, and this one waits there. Only after that does the host stop
/// the server, which is the last to start and the first to stop, and then the background services. One timeout,
/// <see cref="HostOptions.ShutdownTimeout"/>, covers all of it.
/// </remarks>
public sealed partial class Drain : IHostedLifecycleService, IHealthCheck, IDisposable
{
    private readonly IHostApplicationLifetime lifetime;
    private readonly ShutdownOptions shutdown;
    private readonly ILogger<Drain> logger;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource overdue = new();

    /// <summary>Made by the service's container.</summary>
    public Drain(
        IHostApplicationLifetime lifetime,
        IOptions<ShutdownOptions> options,
        ILogger<Drain> logger,
        TimeProvider time
    )
    {
        (this.lifetime, shutdown, this.logger, this.time) = (lifetime, options.Value, logger, time);
        // Work that is late may still look at the token after the source was disposed of.
        Overdue = overdue.Token;
    }

    /// <summary>Cancelled when the service is told to stop.</summary>
    public CancellationToken Begun => lifetime.ApplicationStopping;

    /// <summary>Cancelled when there is no time left to finish anything.</summary>
    public CancellationToken Overdue { get; }

    async Task IHostedLifecycleService.StoppingAsync(CancellationToken cancellationToken)
    {
        cancellationToken.Register(overdue.Cancel);
        // A signal has already done this; code that stops the host by a call has not.
        lifetime.StopApplication();
        LogStopping(shutdown.ReadinessDelay, shutdown.Deadline);
        await Task.Delay(shutdown.ReadinessDelay, time, cancellationToken);
    }

    // After all others have stopped, and before the last telemetry is sent.
    Task IHostedLifecycleService.StoppedAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            LogOverdue(shutdown.Deadline);
        else
            LogStopped();
        return Task.CompletedTask;
    }

    Task<HealthCheckResult> IHealthCheck.CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken
    ) =>
        Task.FromResult(
            Begun.IsCancellationRequested
                ? HealthCheckResult.Unhealthy("The service is stopping.")
                : HealthCheckResult.Healthy()
        );

    Task IHostedLifecycleService.StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedService.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedLifecycleService.StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedService.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => overdue.Dispose();

    [LoggerMessage(
        EventName = "service.stopping",
        Level = LogLevel.Information,
        Message = "Stopping: accepts requests for another {Delay}, and ends within {Deadline}"
    )]
    private partial void LogStopping(TimeSpan delay, TimeSpan deadline);

    [LoggerMessage(
        EventName = "service.stopped",
        Level = LogLevel.Information,
        Message = "Stopped; all requests and messages in progress were finished"
    )]
    private partial void LogStopped();

    [LoggerMessage(
        EventName = "service.stop_overdue",
        Level = LogLevel.Warning,
        Message = "Requests or messages were not finished within {Deadline}; they are broken off"
    )]
    private partial void LogOverdue(TimeSpan deadline);
}
