using System.Diagnostics;
using System.Net;
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
        await using var traffic = Traffic.Start(platform, customer);
        await traffic.MoreAsync(50);
        await platform.StopAsync(service);
        await platform.StartAsync(service);
        await platform.WaitUntilHealthyAsync(service);
        await traffic.MoreAsync(50);
        await traffic.StopAsync();

        await Ledger.AssertNothingLostAsync(platform, customer, traffic.Accepted);
    }

    [Theory]
    [InlineData("orders")]
    [InlineData("notifications")]
    public async Task A_service_that_is_killed_loses_nothing(string service)
    {
        var customer = $"kill-{service}";
        await using var traffic = Traffic.Start(platform, customer);
        await traffic.MoreAsync(50);
        await platform.KillAsync(service);
        await platform.StartAsync(service);
        await platform.WaitUntilHealthyAsync(service);
        await traffic.MoreAsync(50);
        await traffic.StopAsync();

        await Ledger.AssertNothingLostAsync(platform, customer, traffic.Accepted);
    }

    [Fact]
    public async Task Orders_are_taken_without_a_broker_and_told_when_it_is_back()
    {
        const string Customer = "broker-away";
        await platform.StopAsync("messaging");
        await using var traffic = Traffic.Start(platform, Customer);
        await traffic.MoreAsync(100);
        await platform.StartAsync("messaging");
        await platform.WaitUntilHealthyAsync("messaging");
        await traffic.MoreAsync(50);
        await traffic.StopAsync();

        await Ledger.AssertNothingLostAsync(platform, Customer, traffic.Accepted);
    }

    [Fact]
    public async Task A_channel_that_the_broker_closes_loses_nothing()
    {
        const string Customer = "channel-closed";
        await using var traffic = Traffic.Start(platform, Customer);
        await traffic.MoreAsync(50);
        // The next publishing is answered with 404 and the end of the channel. The relay declares what it needs again.
        await using (var connection = await platform.BrokerAsync())
        await using (var channel = await connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken))
            await channel.ExchangeDeleteAsync("orders", cancellationToken: TestContext.Current.CancellationToken);
        await traffic.MoreAsync(50);
        await traffic.StopAsync();

        await Ledger.AssertNothingLostAsync(platform, Customer, traffic.Accepted);
    }

    [Fact]
    public async Task Connections_that_the_broker_closes_lose_nothing()
    {
        const string Customer = "connections-closed";
        await using var traffic = Traffic.Start(platform, Customer);
        await traffic.MoreAsync(50);
        Assert.InRange(await CloseConnectionsAsync(), 2, 100);
        await traffic.MoreAsync(50);
        await traffic.StopAsync();

        await Ledger.AssertNothingLostAsync(platform, Customer, traffic.Accepted);
    }

    [Fact]
    public async Task An_order_whose_process_was_killed_before_it_was_published_goes_on_in_its_trace()
    {
        using var alice = platform.Client("killed-before-publish");
        await platform.StopAsync("messaging");
        var response = await alice.PostRawAsync("""{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""");
        var traceId = response.Headers.GetValues("X-Trace-Id").Single();
        // Exported before its process dies; what came after the commit did not happen yet.
        var create = await platform.Telemetry.WaitForSpanAsync(span => span.TraceId == traceId && span.Name == "create order", TestContext.Current.CancellationToken);
        await platform.KillAsync("orders");
        await platform.StartAsync("messaging");
        await platform.StartAsync("orders");
        await platform.WaitUntilHealthyAsync("orders");

        var trace = await platform.Telemetry.WaitForTraceAsync(traceId, ["store notifications"], TestContext.Current.CancellationToken);
        // One that succeeded; the process may have tried on the dying connection before it was killed.
        var publish = trace.Only(span => span.Kind == ActivityKind.Producer && span.Status != ActivityStatusCode.Error);
        var process = trace.Only(span => span.Kind == ActivityKind.Consumer);
        Assert.Equal(create.SpanId, publish.ParentSpanId);
        Assert.Equal(publish.SpanId, process.ParentSpanId);
    }

    [Fact]
    public async Task Services_recover_by_themselves_when_the_database_was_away()
    {
        const string Customer = "database-away";
        await using var traffic = Traffic.Start(platform, Customer);
        await traffic.MoreAsync(50);
        await using (await DatabasesAway.BeginAsync(platform))
        {
            using var orders = platform.Management("orders");
            await Eventually.SeeAsync("orders not ready", () => orders.GetAsync("/health/ready", TestContext.Current.CancellationToken), answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable);
            Assert.Equal(HttpStatusCode.OK, (await orders.GetAsync("/health/live", TestContext.Current.CancellationToken)).StatusCode);
        }
        await platform.WaitUntilHealthyAsync("orders");
        await traffic.MoreAsync(50);
        await traffic.StopAsync();

        await Ledger.AssertNothingLostAsync(platform, Customer, traffic.Accepted);
    }

    // By the management API, as an operator may. It lists connections a few seconds after they were opened.
    private async Task<int> CloseConnectionsAsync()
    {
        using var management = platform.Management("messaging");
        var user = new Uri(await platform.ConnectionStringAsync("messaging")).UserInfo;
        management.DefaultRequestHeaders.Authorization = new("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(Uri.UnescapeDataString(user))));
        var open = await Eventually.SeeAsync("the services' connections", () => management.GetJsonAsync("/api/connections"), list => list.GetArrayLength() >= 2);
        foreach (var connection in open.EnumerateArray())
            await management.DeleteAsync($"/api/connections/{Uri.EscapeDataString(connection.GetProperty("name").GetString()!)}", TestContext.Current.CancellationToken);
        return open.GetArrayLength();
    }

    public sealed class OwnPlatform : IAsyncLifetime
    {
        public GoReliablePlatform Platform { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Platform = await GoReliablePlatform.StartAsync();

        public ValueTask DisposeAsync() => Platform.DisposeAsync();
    }
}
