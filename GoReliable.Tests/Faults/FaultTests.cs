namespace GoReliable.Tests.Faults;

/// <summary>
/// Each fault of docs/reliability.md on the real platform, under a load that does not wait for it. One platform for all:
/// each test leaves it healthy, and its ledger in the output.
/// </summary>
[Collection(FaultyPlatformTests.Name)]
public sealed class FaultTests(FaultyPlatform platform)
{
    [Fact]
    public Task Orders_is_killed() => platform.SurviveAsync(Fault.Killed("orders"), "orders-killed");

    [Fact]
    public Task Notifications_is_killed() => platform.SurviveAsync(Fault.Killed("notifications"), "notifications-killed");

    [Fact]
    public Task The_gateway_is_killed() => platform.SurviveAsync(Fault.Killed("gateway"), "gateway-killed");

    [Fact]
    public async Task The_broker_is_killed_and_orders_are_taken_all_the_same()
    {
        var (_, window) = await platform.SurviveAsync(Fault.BrokerKilled, "broker-killed");

        Assert.True(window.Outage < TimeSpan.FromSeconds(3), $"No order was accepted for {window.Outage}.");
    }

    [Fact]
    public Task The_database_is_killed() => platform.SurviveAsync(Fault.DatabaseKilled, "database-killed");

    [Fact]
    public Task The_network_to_the_database_stalls() => platform.SurviveAsync(Fault.DatabaseStalled, "database-stalled");

    [Fact]
    public Task The_network_to_the_broker_stalls() => platform.SurviveAsync(Fault.BrokerStalled, "broker-stalled");

    [Fact]
    public Task Connections_to_the_database_are_half_open() => platform.SurviveAsync(Fault.DatabaseHalfOpen, "database-half-open");

    [Fact]
    public Task Connections_to_the_broker_are_half_open() => platform.SurviveAsync(Fault.BrokerHalfOpen, "broker-half-open");

    [Fact]
    public async Task Confirms_are_lost_and_what_is_published_again_is_told_once()
    {
        var (ledger, _) = await platform.SurviveAsync(Fault.ConfirmsLost, "confirms-lost");

        Assert.True(ledger.Republished > 0, "Nothing was published again: no confirm was lost.");
    }

    [Fact]
    public Task The_databases_disk_is_full() => platform.SurviveAsync(Fault.DiskFull, "disk-full");

    [Fact]
    public async Task The_clocks_of_the_services_jump()
    {
        Assert.SkipUnless(SkewedClock.IsAvailable, "Moving the clock of a process needs libfaketime (Debian and Ubuntu: apt-get install libfaketime).");
        platform.Clock.IsOn = true;
        await RestartAsync();

        await platform.SurviveAsync(Fault.ClockJumps, "clock-jumps");

        platform.Clock.IsOn = false;
        await RestartAsync();
    }

    private async Task RestartAsync()
    {
        foreach (var service in FaultyPlatform.Services.Except(["gateway"]))
        {
            await platform.Platform.StopAsync(service);
            await platform.Platform.StartAsync(service);
            await platform.UntilReadyAsync(service);
        }
        await platform.WarmUpAsync();
    }
}

/// <summary>Alone: a load beside them would bend the measurements of others, and others theirs.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class FaultyPlatformTests : ICollectionFixture<FaultyPlatform>
{
    public const string Name = "faulty platform";
}
