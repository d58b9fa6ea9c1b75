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
        // A failing one in every batch, and more batches than may run at once: none keeps a place while it waits.
        var (failing, events) = (new List<TestEvent>(), new List<TestEvent>());
        for (var i = 0; i < 60; i++)
        {
            failing.Add(await TestEvent.PublishAsync(platform, block: true));
            events.AddRange(await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => TestEvent.PublishAsync(platform))));
        }
        await RabbitMqControl.EvaluateAsync(
            platform,
            "rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []})."
        );

        try
        {
            await platform.StartAsync("notifications");
            await Poll.UntilAsync(
                "1,200 notifications",
                () => own.NotifiedAsync([.. events.Select(sent => sent.Id)]),
                count => count == events.Count
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

        foreach (var failed in failing)
            await own.FindAsync(failed.Id);
        // What the worker logged before has arrived then.
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.dead_lettered" && log.TraceId == failing[^1].TraceId,
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
