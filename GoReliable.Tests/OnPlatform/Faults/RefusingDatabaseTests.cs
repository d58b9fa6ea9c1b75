namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>A server that refuses to work says nothing about a message or a request.</summary>
[Collection(FaultyPlatformTests.Name)]
public sealed class RefusingDatabaseTests(FaultyPlatform faulty)
{
    [Fact]
    public Task While_databases_are_read_only_nothing_is_given_up_and_reconnecting_ends_it() =>
        NobodyIsToBlameAsync(Fault.DatabasesReadOnly, "read-only");

    [Fact]
    public Task A_statement_that_the_database_cancels_is_not_blamed_on_a_message_or_request() =>
        NobodyIsToBlameAsync(Fault.StatementsCanceled, "canceled");

    private async Task NobodyIsToBlameAsync(Fault fault, string customers)
    {
        var (_, window) = await faulty.SurviveAsync(fault, customers);

        Assert.True(
            window.Outage > TimeSpan.FromSeconds(1),
            $"Orders were accepted all the time, but for {window.Outage}."
        );
        Assert.DoesNotContain(faulty.Platform.Telemetry.Logs(), log =>
            log.Time > faulty.BrokenAt && log.EventName is "consumer.batch_failed" or "notification.dead_lettered"
        );
    }
}
