using System.Diagnostics.Metrics;
using GoReliable.Notifications;
using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.Messages;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;

namespace GoReliable.Tests.InProcess.Poison;

public sealed class ProgressTests : IDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Telemetry telemetry;
    private readonly Progress progress;

    public ProgressTests()
    {
        telemetry = new(services.GetRequiredService<IMeterFactory>());
        progress = new(telemetry, time);
    }

    public void Dispose() => services.Dispose();

    [Fact]
    public async Task A_worker_that_holds_messages_and_processes_none_is_stalled_although_the_queue_is_empty()
    {
        var held = 1;
        progress.Watch(() => held);

        progress.Update(waiting: 0);
        // A mail server may take that long for its answer: no reason to send the worker's readers elsewhere.
        Assert.Equal(HealthStatus.Healthy, await LaterAsync(TimeSpan.FromMinutes(10), waiting: 0));
        Assert.Equal(TimeSpan.FromMinutes(10), progress.Stalled);

        held = 0;
        progress.Update(waiting: 0);
        Assert.Equal(TimeSpan.Zero, progress.Stalled);
    }

    [Fact]
    public async Task A_stall_is_noticed_when_messages_wait_and_none_is_processed()
    {
        var pause = TimeSpan.FromSeconds(30);
        Assert.Equal(HealthStatus.Healthy, await LaterAsync(pause, waiting: 0));
        Assert.Equal(HealthStatus.Healthy, await LaterAsync(pause, waiting: 8));
        Assert.Equal(HealthStatus.Unhealthy, await LaterAsync(pause, waiting: 8));
        Assert.Equal(pause, progress.Stalled);

        telemetry.MessageTaken();
        telemetry.MessageProcessed("unknown", Outcome.DeadLettered, TimeSpan.Zero);
        Assert.Equal(HealthStatus.Healthy, await LaterAsync(pause, waiting: 7));
        Assert.Equal(TimeSpan.Zero, progress.Stalled);
    }

    private async Task<HealthStatus> LaterAsync(TimeSpan pause, long waiting)
    {
        time.Advance(pause);
        progress.Update(waiting);
        var check = new HealthCheckRegistration("Progress", progress, failureStatus: null, tags: null);
        return (
            await progress.CheckHealthAsync(new() { Registration = check }, TestContext.Current.CancellationToken)
        ).Status;
    }
}
