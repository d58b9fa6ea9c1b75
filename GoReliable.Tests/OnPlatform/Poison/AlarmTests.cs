using GoReliable.Messaging;
using GoReliable.Tests.OnPlatform.Faults;
using GoReliable.Tests.OnPlatform.Notifications;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Poison;

/// <summary>The broker is short of memory: it takes nothing from anybody, and gives what it has.</summary>
[Collection(ServersOnly.Name)]
public sealed class AlarmTests(ServersOnly servers)
{
    private readonly GoReliablePlatform platform = servers.Platform;

    [Fact]
    public async Task While_publishing_is_blocked_queued_events_are_notified_and_health_says_why()
    {
        Assert.SkipUnless(
            RabbitMqControl.IsAvailable(platform),
            "Only a broker that is a process of this machine can be given an alarm."
        );
        // A failing one in every batch, and more batches than may run at once: none keeps a place while it waits.
        Guid[] ids = [.. Enumerable.Range(0, 1260).Select(_ => Guid.CreateVersion7())];
        var failing = ids.Where((_, i) => i % 21 == 0).ToArray();
        await Odd.EmptyQueueAsync(platform);
        await Odd.PublishAllAsync(
            platform,
            OrderTopology.Queue,
            ids.Select(id => Odd.Event(id, failing.Contains(id) ? Odd.NoAddress : null))
        );
        await using var database = await OwnDatabase.CreateAsync(platform, "Notifications");
        await RabbitMqControl.EvaluateAsync(
            platform,
            "rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []})."
        );
        var isShort = true;
        try
        {
            await using var worker = await WorkerProcess.StartAsync(platform, database);
            await Poll.UntilAsync(
                "all notifications",
                () => database.ScalarAsync<long>("SELECT count(*) FROM notifications"),
                count => count == ids.Length - failing.Length
            );
            await Poll.UntilAsync(
                "health that tells of the alarm",
                async () => (await worker.Management.GetAsync<HealthAnswer>("/health/ready")).Checks["RabbitMQ"].Reason,
                told => told?.Contains("memory", StringComparison.Ordinal) == true
            );

            await ClearAlarmAsync();
            isShort = false;

            await Poll.UntilAsync(
                "all dead letters",
                () =>
                    database.Source.ScalarAsync<long>("SELECT count(*) FROM dead_letters WHERE id = ANY ($1)", failing),
                count => count == failing.Length
            );
            Assert.Empty(worker.Events("notification.forward_failed"));
            Assert.Single(worker.Events("broker.blocked"));
        }
        finally
        {
            if (isShort)
                await ClearAlarmAsync();
        }
    }

    private Task ClearAlarmAsync() =>
        RabbitMqControl.EvaluateAsync(platform, "rabbit_alarm:clear_alarm({resource_limit, memory, node()}).");
}
