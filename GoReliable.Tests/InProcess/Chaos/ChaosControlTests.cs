using System.Net;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.Tests.InProcess.Gateway;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Chaos;

/// <summary>How the switches are turned; the gateway's outgoing calls stand for all of them.</summary>
public sealed class ChaosControlTests : GatewayTest
{
    private const string Failing = """{ "Chaos": { "Http": { "FaultRate": 1 } } }""";

    private static readonly (string, string)[] Production =
    [
        ("ASPNETCORE_ENVIRONMENT", "Production"),
        ("Authentication__Schemes__Bearer__Authority", "https://identity.example"),
        ("Shutdown__ReadinessDelay", "00:00:00"),
    ];

    [Fact]
    public async Task A_switch_changes_while_the_service_runs_and_a_wrong_setting_changes_nothing()
    {
        await using var gateway = await StartWithAsync(Failing);
        var enabled = Assert.Single(await gateway.WaitForEventsAsync("chaos.enabled"));
        Assert.Equal(
            ("WARN", "http", 1),
            (
                enabled.GetProperty("severity").GetString(),
                enabled.GetProperty("place").GetString(),
                enabled.GetProperty("fault_rate").GetDouble()
            )
        );
        using (var refused = await AskAsync(gateway))
        {
            await refused.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        await Settings.WriteAsync("""{ "Chaos": { "Http": { "FaultRate": 2 } } }""");
        var complaint = Assert.Single(await gateway.WaitForEventsAsync("chaos.refused"));
        Assert.Contains("Chaos:Http:FaultRate is 2", complaint.GetProperty("reason").GetString());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await AskAsync(gateway)).StatusCode);

        await Settings.WriteAsync("{}");
        await gateway.WaitForEventsAsync("chaos.disabled");
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(gateway)).StatusCode);
    }

    [Fact]
    public async Task A_delay_longer_than_the_gateways_timeout_is_a_504()
    {
        await using var gateway = await StartWithAsync(
            """{ "Chaos": { "Http": { "Latency": "00:00:30" } } }""",
            ("Resilience__TotalTimeout", "00:00:00.5"),
            ("Resilience__TryTimeout", "00:00:00.2")
        );

        using var late = await AskAsync(gateway);

        await late.AssertProblemAsync(HttpStatusCode.GatewayTimeout);
    }

    [Fact]
    public async Task In_production_a_service_refuses_to_start_with_chaos()
    {
        var refusal = await Assert.ThrowsAsync<InvalidSettingException>(() => StartWithAsync(Failing, Production));

        Assert.Equal(
            "Chaos:Http is set, but this is Production: remove it, or start with Chaos:AllowInProduction=true.",
            refusal.Message
        );
    }

    [Fact]
    public async Task In_production_the_settings_file_can_neither_switch_chaos_on_nor_allow_it()
    {
        await using var gateway = await StartAsync(Production);

        await Settings.WriteAsync("""{ "Chaos": { "AllowInProduction": true, "Http": { "FaultRate": 1 } } }""");

        await gateway.WaitForEventsAsync("chaos.refused");
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(gateway)).StatusCode);
        Assert.Empty(gateway.EventsOf("chaos.enabled"));
    }

    [Fact]
    public async Task In_production_chaos_must_be_allowed_when_the_service_starts()
    {
        await using var gateway = await StartWithAsync(Failing, [.. Production, ("Chaos__AllowInProduction", "true")]);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await AskAsync(gateway)).StatusCode);
        Assert.Single(await gateway.WaitForEventsAsync("chaos.enabled"));
    }

    private async Task<InProcessGateway> StartWithAsync(string chaos, params (string, string)[] more)
    {
        await Settings.WriteAsync(chaos);
        return await StartAsync(more);
    }

    // Needs no token.
    private static Task<HttpResponseMessage> AskAsync(InProcessGateway gateway) =>
        gateway.Client.GetAsync("/docs", TestContext.Current.CancellationToken);
}
