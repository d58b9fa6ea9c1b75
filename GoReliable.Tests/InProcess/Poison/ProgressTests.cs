using System.Diagnostics.Metrics;
using GoReliable.Notifications;
using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.Messages;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Time.Testing;

namespace GoReliable.Tests.InProcess.Poison;

public sealed class ProgressTests
{
    [Fact]
    public async Task A_worker_that_holds_messages_and_processes_none_is_stalled_although_the_queue_is_empty()
    {
        var time = new FakeTimeProvider();
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var progress = new Progress(new Telemetry(services.GetRequiredService<IMeterFactory>()), time);
        var held = 1;
        progress.Watch(() => held);

        progress.Update(waiting: 0);
        time.Advance(TimeSpan.FromMinutes(10));
        progress.Update(waiting: 0);
        Assert.Equal(TimeSpan.FromMinutes(10), progress.Stalled);

        // A mail server may take that long for its answer: no reason to send the worker's readers elsewhere.
        var check = new HealthCheckRegistration("Progress", progress, failureStatus: null, tags: null);
        var cancel = TestContext.Current.CancellationToken;
        Assert.Equal(
            HealthStatus.Healthy,
            (await progress.CheckHealthAsync(new() { Registration = check }, cancel)).Status
        );

        held = 0;
        progress.Update(waiting: 0);
        Assert.Equal(TimeSpan.Zero, progress.Stalled);
    }

    [Fact]
    public async Task A_stall_is_noticed_when_messages_wait_and_none_is_processed()
    {
        var time = new FakeTimeProvider();
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var telemetry = new Telemetry(services.GetRequiredService<IMeterFactory>());
        var progress = new Progress(telemetry, time);

        Assert.Equal(HealthStatus.Healthy, await LaterAsync(waiting: 0));
        Assert.Equal(HealthStatus.Healthy, await LaterAsync(waiting: 8));
        Assert.Equal(HealthStatus.Unhealthy, await LaterAsync(waiting: 8));
        Assert.Equal(TimeSpan.FromSeconds(30), progress.Stalled);

        telemetry.MessageTaken();
        telemetry.MessageProcessed("unknown", Outcome.DeadLettered, TimeSpan.Zero);
        Assert.Equal(HealthStatus.Healthy, await LaterAsync(waiting: 7));
        Assert.Equal(TimeSpan.Zero, progress.Stalled);

        async Task<HealthStatus> LaterAsync(long waiting)
        {
            time.Advance(TimeSpan.FromSeconds(30));
            progress.Update(waiting);
            var check = new HealthCheckRegistration("Progress", progress, failureStatus: null, tags: null);
            return (
                await progress.CheckHealthAsync(new() { Registration = check }, TestContext.Current.CancellationToken)
            ).Status;
        }
    }
}
