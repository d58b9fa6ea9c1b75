using GoReliable.Tests.OnPlatform.Faults;
using GoReliable.Tests.OnPlatform.Notifications;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Poison;

/// <summary>The broker is short of memory: it takes nothing from anybody, and gives what it has.</summary>
[Collection(DeadLetterPlatform.Name)]
public sealed class AlarmTests(DeadLetterPlatform own)
{
    private readonly GoReliablePlatform platform = own.Platform;

    [Fact]
    public async Task While_publishing_is_blocked_queued_events_are_notified_and_health_says_why()
    {
        Assert.SkipUnless(
            RabbitMqControl.IsAvailable(platform),
            "Only a broker that is a process of this machine can be given an alarm."
        );
        var begun = DateTimeOffset.UtcNow;
        await platform.StopAsync("notifications");
        var failing = await TestEvent.PublishAsync(platform, block: true);
        var events = await Task.WhenAll(Enumerable.Range(0, 400).Select(_ => TestEvent.PublishAsync(platform)));
        await RabbitMqControl.EvaluateAsync(
            platform,
            "rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []})."
        );

        try
        {
            await platform.StartAsync("notifications");
            await Poll.UntilAsync(
                "400 notifications",
                () => own.NotifiedAsync([.. events.Select(sent => sent.Id)]),
                count => count == 400
            );
            using var management = platform.Management("notifications");
            await Poll.UntilAsync(
                "health that tells of the alarm",
                async () => (await management.GetAsync<HealthAnswer>("/health/ready")).Checks["RabbitMQ"].Reason,
                told => told?.Contains("memory", StringComparison.Ordinal) == true
            );
        }
        finally
        {
            await RabbitMqControl.EvaluateAsync(
                platform,
                "rabbit_alarm:clear_alarm({resource_limit, memory, node()})."
            );
        }

        await own.FindAsync(failing.Id);
        // What the worker logged before has arrived then.
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.dead_lettered" && log.TraceId == failing.TraceId,
            TestContext.Current.CancellationToken
        );
        Assert.DoesNotContain(platform.Telemetry.Logs(), log =>
            log.EventName == "notification.forward_failed" && log.Time > begun
        );
        Assert.Single(platform.Telemetry.Logs(), log =>
            log.EventName == "broker.blocked" && log.Service == "notifications"
        );
    }
}
