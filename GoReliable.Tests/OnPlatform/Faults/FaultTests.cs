using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// Faults of docs/reliability.md on the real platform, under a load that does not wait for them. One platform for
/// all: each test leaves it healthy, and its ledger in the output.
/// </summary>
[Collection(FaultyPlatformTests.Name)]
public sealed class FaultTests(FaultyPlatform platform)
{
    [Fact]
    public Task Notifications_is_killed() =>
        platform.SurviveAsync(Fault.Killed("notifications"), "notifications-killed");

    [Fact]
    public Task The_gateway_is_killed() => platform.SurviveAsync(Fault.Killed("gateway"), "gateway-killed");

    [Fact]
    public async Task The_broker_is_killed_in_the_middle_of_a_batch_and_orders_are_taken_all_the_same()
    {
        var (_, window) = await platform.SurviveAsync(Fault.BrokerKilledMidBatch, "broker-killed");

        Assert.True(window.Outage < TimeSpan.FromSeconds(6), $"No order was accepted for {window.Outage}.");
    }

    [Fact]
    public async Task The_database_is_killed() =>
        AssertNoticed(await platform.SurviveAsync(Fault.DatabaseKilled, "database-killed"));

    [Fact]
    public async Task A_standby_takes_the_place_of_the_database()
    {
        Assert.SkipUnless(Standby.IsAvailable(platform.Platform), "The database is no process of this machine.");
        AssertNoticed(await platform.SurviveAsync(Fault.FailedOver, "failed-over"));
    }

    [Fact]
    public Task The_mail_server_is_slow() => platform.SurviveAsync(Fault.SlowMailServer, "slow-mail");

    [Fact]
    public async Task The_network_to_the_database_stalls() =>
        AssertNoticed(await platform.SurviveAsync(Fault.DatabaseStalled, "database-stalled"));

    [Fact]
    public async Task The_network_to_the_broker_stalls()
    {
        var fault = Fault.ConfirmsHeld.And(Fault.BrokerStalled) with { Name = Fault.BrokerStalled.Name };

        var (ledger, _) = await platform.SurviveAsync(fault, "broker-stalled");

        Assert.True(ledger.Republished > 0, "Nothing was published again: the relay did not give up waiting.");
    }

    [Fact]
    public async Task The_relay_is_killed_in_the_middle_of_a_batch()
    {
        var fault = Fault.ConfirmsHeld.And(Fault.Killed("orders")) with { Name = "relay killed mid-batch" };

        var (ledger, _) = await platform.SurviveAsync(fault, "relay-killed");

        Assert.True(
            ledger.Republished > 0,
            "Nothing was published again: the broker had nothing of the batch, or the relay had removed it."
        );
    }

    [Fact]
    public Task Connections_to_the_database_are_half_open() =>
        platform.SurviveAsync(Fault.DatabaseHalfOpen, "database-half-open");

    [Fact]
    public Task Connections_to_the_broker_are_half_open() =>
        platform.SurviveAsync(Fault.BrokerHalfOpen, "broker-half-open");

    [Fact]
    public async Task Confirms_are_lost_and_events_published_again_are_notified_once()
    {
        var (ledger, _) = await platform.SurviveAsync(Fault.ConfirmsLost, "confirms-lost");

        Assert.True(ledger.Republished > 0, "Nothing was published again: no confirm was lost.");
    }

    [Fact]
    public Task A_channel_is_closed_for_an_error() => platform.SurviveAsync(Fault.ChannelClosed, "channel-closed");

    [Fact]
    public async Task Connections_are_closed_by_an_operator()
    {
        SkipUnlessControlled();
        await platform.SurviveAsync(Fault.ConnectionsClosed, "connections-closed");
    }

    [Fact]
    public async Task The_queue_has_no_leader_and_orders_are_taken_all_the_same()
    {
        SkipUnlessControlled();

        var (ledger, window) = await platform.SurviveAsync(Fault.QueueLeaderless, "queue-leaderless");

        Assert.True(window.Outage < TimeSpan.FromSeconds(6), $"No order was accepted for {window.Outage}.");
        Assert.True(ledger.Republished > 0, "Nothing was published again: the queue confirmed all that it was sent.");
    }

    [Fact]
    public async Task The_databases_disk_is_full() =>
        AssertNoticed(await platform.SurviveAsync(Fault.DiskFull, "disk-full"));

    [Fact]
    public async Task The_clocks_of_the_services_jump()
    {
        Assert.SkipUnless(
            SkewedClock.IsAvailable,
            "Moving the clock of a process needs libfaketime (Debian and Ubuntu: apt-get install libfaketime)."
        );
        await platform.RunAsync(async () =>
        {
            await platform.MakeClockMovableAsync(true);

            await platform.EndureAsync(Fault.ClockJumps, "clock-jumps");
            Assert.NotEqual(0, await AheadAsync("clock-jumps"));

            await platform.MakeClockMovableAsync(false);
            return true;
        });
    }

    private void SkipUnlessControlled() =>
        Assert.SkipUnless(
            RabbitMqControl.IsAvailable(platform.Platform),
            "Only a broker that is a process of this machine can be told to do that."
        );

    // No request was answered for much longer than a slow one takes: the fault was one.
    private static void AssertNoticed((Ledger Ledger, FaultWindow Window) found) =>
        Assert.True(
            found.Window.Outage > TimeSpan.FromMilliseconds(300),
            $"Orders were accepted all the time, but for {found.Window.Outage}."
        );

    // Orders whose time, by the clock of Orders, is far in the future of the database's.
    private async Task<long> AheadAsync(string customers)
    {
        await using var database = await platform.Platform.DatabaseAsync("orders-db");
        return await database.ScalarAsync<long>(
            "SELECT count(*) FROM orders WHERE starts_with(customer_id, $1) "
                + "AND created_at > now() + interval '30 minutes'",
            customers
        );
    }
}

/// <summary>
/// At the end (<see cref="CollectionOrder"/>): their load would bend the measurements of others, and others theirs.
/// </summary>
[CollectionDefinition(Name)]
public sealed class FaultyPlatformTests : ICollectionFixture<FaultyPlatform>
{
    public const string Name = "faulty platform";
}
