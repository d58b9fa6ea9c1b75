using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace GoReliable.Notifications.Consuming;

/// <summary>Notices when no message is processed although some wait, whatever the reason.</summary>
internal sealed class Progress(Telemetry telemetry, TimeProvider time) : IHealthCheck
{
    private static readonly TimeSpan UnhealthyAfter = TimeSpan.FromSeconds(30);

    private readonly Lock gate = new();
    private long processed;
    private long? stalledSince;

    /// <summary>How long that has lasted; 0 while messages are processed or none wait.</summary>
    public TimeSpan Stalled
    {
        get
        {
            lock (gate)
                return stalledSince is { } start ? time.GetElapsedTime(start) : TimeSpan.Zero;
        }
    }

    /// <param name="waiting">Messages in the queue that no worker has.</param>
    public void Update(long waiting)
    {
        lock (gate)
        {
            if (waiting == 0 || telemetry.Processed != processed)
                stalledSince = null;
            else
                stalledSince ??= time.GetTimestamp();
            processed = telemetry.Processed;
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    ) =>
        Task.FromResult(
            Stalled < UnhealthyAfter
                ? HealthCheckResult.Healthy()
                : new HealthCheckResult(
                    context.Registration.FailureStatus,
                    $"No message was processed for {Stalled.TotalSeconds:0} s, and some wait in the queue."
                )
        );
}
