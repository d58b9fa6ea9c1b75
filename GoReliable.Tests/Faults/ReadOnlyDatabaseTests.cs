namespace GoReliable.Tests.Faults;

[Collection(FaultyPlatformTests.Name)]
public sealed class ReadOnlyDatabaseTests(FaultyPlatform faulty)
{
    [Fact]
    public async Task While_the_databases_are_read_only_nothing_is_given_up_and_nothing_lost()
    {
        var (_, window) = await faulty.SurviveAsync(Fault.DatabasesReadOnly, "read-only");

        Assert.True(window.Outage > TimeSpan.FromSeconds(1), $"Orders were accepted all the time, but for {window.Outage}.");
        Assert.DoesNotContain(faulty.Platform.Telemetry.Logs(), log => log.Time > faulty.BrokenAt && log.EventName is "consumer.batch_failed" or "notification.dead_lettered");
    }
}
