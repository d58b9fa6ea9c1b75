using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Chaos;

/// <summary>How the switches are turned; the gateway's outgoing calls stand for all of them.</summary>
public sealed class ChaosControlTests
{
    [Fact]
    public async Task A_switch_changes_while_the_service_runs_and_a_wrong_setting_changes_nothing()
    {
        await using var gateway = await WatchingGateway.StartAsync("""{ "Chaos": { "Http": { "FaultRate": 1 } } }""");
        var enabled = Assert.Single(await gateway.Process.WaitForEventAsync("chaos.enabled"));
        Assert.Equal(
            ("WARN", "http", 1),
            (
                enabled.GetProperty("severity").GetString(),
                enabled.GetProperty("place").GetString(),
                enabled.GetProperty("fault_rate").GetDouble()
            )
        );
        using (var refused = await gateway.GetAsync())
        {
            await refused.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        await gateway.WriteAsync("""{ "Chaos": { "Http": { "FaultRate": 2 } } }""");
        Assert.Contains(
            "Chaos:Http:FaultRate is 2",
            Assert.Single(await gateway.Process.WaitForEventAsync("chaos.refused")).GetProperty("reason").GetString(),
            StringComparison.Ordinal
        );
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await gateway.AskAsync());

        await gateway.WriteAsync("{}");
        await gateway.Process.WaitForEventAsync("chaos.disabled");
        Assert.Equal(HttpStatusCode.OK, await gateway.AskAsync());
    }

    [Fact]
    public async Task A_delay_longer_than_the_gateways_timeout_is_a_504()
    {
        await using var gateway = await WatchingGateway.StartAsync(
            """{ "Chaos": { "Http": { "Latency": "00:00:30" } } }""",
            ("Resilience__TotalTimeout", "00:00:02"),
            ("Resilience__TryTimeout", "00:00:01")
        );

        Assert.Equal(HttpStatusCode.GatewayTimeout, await gateway.AskAsync());
    }
}
