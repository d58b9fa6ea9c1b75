using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Chaos;

/// <summary>Nobody makes trouble in Production who did not say so before it started.</summary>
public sealed class ChaosInProductionTests
{
    private static readonly (string, string)[] Production =
    [
        ("ASPNETCORE_ENVIRONMENT", "Production"),
        ("Authentication__Schemes__Bearer__Authority", "https://identity.example"),
    ];

    [Fact]
    public async Task A_service_refuses_to_start_with_chaos()
    {
        var (exitCode, output) = await ServiceProcess.RunAsync(
            "Gateway",
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("Chaos__Channel__FaultRate", "0.1")
        );

        Assert.Equal(
            (1, "Chaos:Channel is set, but this is Production: remove it, or start with Chaos:AllowInProduction=true."),
            (exitCode, output)
        );
    }

    [Fact]
    public async Task The_settings_file_can_neither_switch_chaos_on_nor_allow_it()
    {
        await using var gateway = await WatchingGateway.StartAsync("{}", Production);

        await gateway.WriteAsync("""{ "Chaos": { "AllowInProduction": true, "Http": { "FaultRate": 1 } } }""");

        await gateway.Process.WaitForEventAsync("chaos.refused");
        Assert.Equal(HttpStatusCode.OK, await gateway.AskAsync());
        Assert.Empty(gateway.Process.Events("chaos.enabled"));
    }

    [Fact]
    public async Task Chaos_must_be_allowed_when_the_service_starts()
    {
        await using var gateway = await WatchingGateway.StartAsync(
            """{ "Chaos": { "Http": { "FaultRate": 1 } } }""",
            [.. Production, ("Chaos__AllowInProduction", "true")]
        );

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await gateway.AskAsync());
        Assert.Single(gateway.Process.Events("chaos.enabled"));
    }
}
