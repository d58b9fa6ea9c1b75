using System.Net;
using GoReliable.Tests.Lifecycle;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Chaos;

/// <summary>When the switches may be turned; the gateway's outgoing calls stand for all of them.</summary>
public sealed class ChaosControlTests : IAsyncLifetime
{
    private const string Faults = """{ "Chaos": { "Http": { "FaultRate": 1 } } }""";

    private readonly string folder = Directory.CreateTempSubdirectory("goreliable-chaos-").FullName;
    private SlowService orders = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Settings => Path.Combine(folder, "settings.json");

    public async ValueTask InitializeAsync() => orders = await SlowService.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await orders.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_switch_is_turned_while_the_service_runs_and_a_mistake_leaves_it_as_it_is()
    {
        await using var gateway = await StartAsync("{}");
        Assert.Equal(HttpStatusCode.OK, await AskAsync(gateway));

        await File.WriteAllTextAsync(Settings, Faults, Cancel);
        var enabled = Assert.Single(await gateway.WaitForEventAsync("chaos.enabled"));
        Assert.Equal(("WARN", "http", 1), (enabled.GetProperty("severity").GetString(), enabled.GetProperty("place").GetString(), enabled.GetProperty("fault_rate").GetDouble()));
        using (var refused = await gateway.Client.GetAsync("/docs/quick", Cancel))
        {
            await refused.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        await File.WriteAllTextAsync(Settings, """{ "Chaos": { "Http": { "FaultRate": 2 } } }""", Cancel);
        Assert.Contains("Chaos:Http:FaultRate is 2", Assert.Single(await gateway.WaitForEventAsync("chaos.refused")).GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync(gateway));

        await File.WriteAllTextAsync(Settings, "{}", Cancel);
        await gateway.WaitForEventAsync("chaos.disabled");
        Assert.Equal(HttpStatusCode.OK, await AskAsync(gateway));
    }

    [Fact]
    public async Task A_delay_longer_than_the_gateways_patience_is_a_504()
    {
        await using var gateway = await StartAsync("""{ "Chaos": { "Http": { "Latency": "00:00:30" } } }""", ("Resilience__TotalTimeout", "00:00:02"), ("Resilience__TryTimeout", "00:00:01"));

        Assert.Equal(HttpStatusCode.GatewayTimeout, await AskAsync(gateway));
    }

    [Fact]
    public async Task In_Production_a_service_refuses_to_start_with_chaos()
    {
        var (exitCode, output) = await ServiceProcess.RunAsync("Gateway", ("ASPNETCORE_ENVIRONMENT", "Production"), ("Chaos__Channel__FaultRate", "0.1"));

        Assert.Equal((1, "Chaos:Channel is set, and this is Production: take it away, or start with Chaos:AllowInProduction=true."), (exitCode, output));
    }

    [Fact]
    public async Task In_Production_the_file_cannot_turn_a_switch_on_nor_give_the_permission()
    {
        await using var gateway = await StartAsync("{}", [.. Production]);

        await File.WriteAllTextAsync(Settings, """{ "Chaos": { "AllowInProduction": true, "Http": { "FaultRate": 1 } } }""", Cancel);

        await gateway.WaitForEventAsync("chaos.refused");
        Assert.Equal(HttpStatusCode.OK, await AskAsync(gateway));
        Assert.Empty(gateway.Events("chaos.enabled"));
    }

    [Fact]
    public async Task In_Production_chaos_needs_a_permission_that_is_there_at_the_start()
    {
        await using var gateway = await StartAsync(Faults, [.. Production, ("Chaos__AllowInProduction", "true")]);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync(gateway));
        Assert.Single(gateway.Events("chaos.enabled"));
    }

    private static (string, string)[] Production { get; } =
        [("ASPNETCORE_ENVIRONMENT", "Production"), ("Authentication__Schemes__Bearer__Authority", "https://identity.example")];

    private async Task<ServiceProcess> StartAsync(string settings, params (string, string)[] more)
    {
        await File.WriteAllTextAsync(Settings, settings, Cancel);
        return await ServiceProcess.StartAsync("Gateway", [("services__orders__http__0", orders.Address), ("GORELIABLE_CONFIG", Settings), .. more]);
    }

    private static async Task<HttpStatusCode> AskAsync(ServiceProcess gateway)
    {
        using var answer = await gateway.Client.GetAsync("/docs/quick", Cancel);
        return answer.StatusCode;
    }
}
