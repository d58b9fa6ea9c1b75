using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace GoReliable.Notifications.Consuming;

/// <summary>Notices when no message is processed although some wait, whatever the reason.</summary>
internal sealed class Progress(Telemetry telemetry, TimeProvider time) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lock looking = new();
    private long processed;
    private long? since;

    /// <summary>How long that has lasted; 0 while messages are processed or none wait.</summary>
    public TimeSpan Stalled
    {
        get
        {
            lock (looking)
                return since is { } start ? time.GetElapsedTime(start) : TimeSpan.Zero;
        }
    }

    /// <param name="waiting">Messages in the queue that no worker has.</param>
    public void Look(long waiting)
    {
        lock (looking)
        {
            if (waiting == 0 || telemetry.Processed != processed)
                since = null;
            else
                since ??= time.GetTimestamp();
            processed = telemetry.Processed;
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    ) =>
        Task.FromResult(
            Stalled < Patience
                ? HealthCheckResult.Healthy()
                : new HealthCheckResult(
                    context.Registration.FailureStatus,
                    $"No message was processed for {Stalled.TotalSeconds:0} s, and some wait in the queue."
                )
        );
}
