using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Notices when no message is processed although some wait in the queue, or this worker has some, whatever the reason.
/// </summary>
internal sealed class Progress(Telemetry telemetry, TimeProvider time) : IHealthCheck
{
    private static readonly TimeSpan UnhealthyAfter = TimeSpan.FromSeconds(30);

    private readonly Lock gate = new();
    private Func<int> held = () => 0;
    private long processed;
    private long? stalledSince;
    private long? queueStalledSince;

    /// <summary>For how long nothing was processed although something waits; 0 when nothing does.</summary>
    public TimeSpan Stalled => Since(ref stalledSince);

    /// <summary>
    /// The same while messages wait in the queue. A delivery of minutes, with none behind it, is healthy.
    /// </summary>
    private TimeSpan QueueStalled => Since(ref queueStalledSince);

    /// <param name="messages">Counts the messages that this worker has and has not acknowledged.</param>
    public void Watch(Func<int> messages)
    {
        lock (gate)
            held = messages;
    }

    /// <param name="waiting">Messages in the queue that no worker has.</param>
    public void Update(long waiting)
    {
        lock (gate)
        {
            var isStanding = telemetry.Processed == processed;
            queueStalledSince = isStanding && waiting > 0 ? queueStalledSince ?? time.GetTimestamp() : null;
            stalledSince = isStanding && (waiting > 0 || held() > 0) ? stalledSince ?? time.GetTimestamp() : null;
            processed = telemetry.Processed;
        }
    }

    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    ) =>
        Task.FromResult(
            QueueStalled < UnhealthyAfter
                ? HealthCheckResult.Healthy()
                : new HealthCheckResult(
                    context.Registration.FailureStatus,
                    $"No message was processed for {QueueStalled.TotalSeconds:0} s, and some wait in the queue."
                )
        );

    private TimeSpan Since(ref long? start)
    {
        lock (gate)
            return start is { } began ? time.GetElapsedTime(began) : TimeSpan.Zero;
    }
}
