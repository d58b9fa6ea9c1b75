using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Faults;

/// <summary>Things that stop and come back, one platform for all of them: each test leaves it healthy.</summary>
public sealed class RestartTests(RestartTests.OwnPlatform own) : IClassFixture<RestartTests.OwnPlatform>
{
    private readonly GoReliablePlatform platform = own.Platform;

    [Theory]
    [InlineData("gateway")]
    [InlineData("orders")]
    [InlineData("notifications")]
    public async Task A_service_that_restarts_loses_nothing(string service)
    {
        var customer = $"restart-{service}";
        var traffic = Traffic.Start(platform, customer);
        await traffic.MoreAsync(50);
        await platform.StopAsync(service);
        await platform.StartAsync(service);
        await platform.WaitUntilHealthyAsync(service);
        await traffic.MoreAsync(50);
        await traffic.DisposeAsync();

        await Ledger.AssertNothingLostAsync(platform, customer, traffic.Accepted);
    }

    [Theory]
    [InlineData("orders")]
    [InlineData("notifications")]
    public async Task A_service_that_is_killed_loses_nothing(string service)
    {
        var customer = $"kill-{service}";
        var traffic = Traffic.Start(platform, customer);
        await traffic.MoreAsync(50);
        await platform.KillAsync(service);
        await platform.StartAsync(service);
        await platform.WaitUntilHealthyAsync(service);
        await traffic.MoreAsync(50);
        await traffic.DisposeAsync();

        await Ledger.AssertNothingLostAsync(platform, customer, traffic.Accepted);
    }

    [Fact]
    public async Task Orders_are_taken_without_a_broker_and_told_when_it_is_back()
    {
        const string Customer = "broker-away";
        await platform.StopAsync("messaging");
        var traffic = Traffic.Start(platform, Customer);
        await traffic.MoreAsync(100);
        await platform.StartAsync("messaging");
        await platform.WaitUntilHealthyAsync("messaging");
        await traffic.MoreAsync(50);
        await traffic.DisposeAsync();

        await Ledger.AssertNothingLostAsync(platform, Customer, traffic.Accepted);
    }

    [Fact]
    public async Task Services_recover_by_themselves_when_the_database_was_away()
    {
        const string Customer = "database-away";
        var traffic = Traffic.Start(platform, Customer);
        await traffic.MoreAsync(50);
        await platform.StopAsync("postgres");
        await platform.StartAsync("postgres");
        await platform.WaitUntilHealthyAsync("postgres");
        await traffic.MoreAsync(50);
        await traffic.DisposeAsync();

        await Ledger.AssertNothingLostAsync(platform, Customer, traffic.Accepted);
    }

    public sealed class OwnPlatform : IAsyncLifetime
    {
        public GoReliablePlatform Platform { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Platform = await GoReliablePlatform.StartAsync();

        public ValueTask DisposeAsync() => Platform.DisposeAsync();
    }
}
