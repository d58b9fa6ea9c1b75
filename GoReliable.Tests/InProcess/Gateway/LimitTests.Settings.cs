using System.Net;
using System.Text.Json;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>How limits are set, and changed while the gateway runs.</summary>
public sealed partial class LimitTests
{
    [Fact]
    public async Task A_limit_changes_without_a_restart_and_a_wrong_one_changes_nothing()
    {
        using var settings = new SettingsFile();
        await WriteAsync(settings, permits: 1);
        await using var gateway = await StartAsync(("GORELIABLE_CONFIG", settings.Path));
        Assert.Contains(await SendAsync(gateway, "203.0.113.1", 30), answer =>
            answer.StatusCode == HttpStatusCode.TooManyRequests
        );

        await WriteAsync(settings, permits: 0);
        var said = await Poll.UntilAsync(
            "the complaint",
            () => Task.FromResult(gateway.Events.ToList()),
            events => events.Exists(IsComplaint)
        );
        Assert.Contains(
            "RateLimits:PerAddress",
            said.Find(IsComplaint).GetProperty("section").GetString(),
            StringComparison.Ordinal
        );
        Assert.Contains(await SendAsync(gateway, "203.0.113.1", 30), answer =>
            answer.StatusCode == HttpStatusCode.TooManyRequests
        );

        await WriteAsync(settings, permits: 1000);
        await Poll.UntilAsync(
            "thirty requests at once that pass",
            () => SendAsync(gateway, "203.0.113.1", 30),
            answers => answers.All(answer => answer.StatusCode == HttpStatusCode.OK)
        );
    }

    [Theory]
    [InlineData(
        "RateLimits__PerCustomer__Burst",
        "0",
        "RateLimits:PerCustomer: The field Burst must be between 1 and 1000000."
    )]
    [InlineData(
        "RateLimits__PerAddress__Burst",
        "9999",
        "RateLimits:PerAddress: Burst is 9999, but must be at least 10000, a tenth of PermitsPerSecond."
    )]
    [InlineData("RateLimits__PerAddress__PermitsPerSecond", "many", "'RateLimits:PerAddress:PermitsPerSecond'")]
    [InlineData("LoadShedding__Concurrency", "-1", "LoadShedding: The field Concurrency must be between 1 and 100000.")]
    [InlineData(
        "LoadShedding__QueueTimeout",
        "00:00:00",
        "LoadShedding: QueueTimeout is 00:00:00, but must be from 00:00:00.0010000 to 00:01:00 "
            + "(hours:minutes:seconds; a number alone means days)."
    )]
    [InlineData(
        "Resilience__TryTimeout",
        "00:01:00",
        "Resilience:TryTimeout is 00:01:00, but must not be longer than Resilience:TotalTimeout, 00:00:30."
    )]
    [InlineData(
        "Resilience__TotalTimeout",
        "10",
        "Resilience:TotalTimeout is 10.00:00:00, but must be from 00:00:00.1000000 to 00:05:00 "
            + "(hours:minutes:seconds; a number alone means days)."
    )]
    [InlineData(
        "Resilience__TryTimeout",
        "3",
        "Resilience:TryTimeout is 3.00:00:00, but must be from 00:00:00.1000000 to 00:05:00 "
            + "(hours:minutes:seconds; a number alone means days)."
    )]
    [InlineData(
        "Resilience__TryTimeout",
        "3s",
        "Resilience:TryTimeout is '3s', but must be from 00:00:00.1000000 to 00:05:00 "
            + "(hours:minutes:seconds; a number alone means days)."
    )]
    [InlineData(
        "ForwardedHeaders__KnownProxies__0",
        "nginx",
        "ForwardedHeaders:KnownProxies: 'nginx' is neither an IP address nor a network"
    )]
    public async Task A_wrong_setting_is_reported_at_start_up(string name, string value, string complaint)
    {
        var failure = await Assert.ThrowsAsync<InvalidSettingException>(() =>
            InProcessGateway.StartAsync([orders.Address], (name, value))
        );

        Assert.Contains(complaint, failure.Message, StringComparison.Ordinal);
    }

    private static bool IsComplaint(JsonElement line) =>
        line.TryGetProperty("event", out var name) && name.GetString() == "settings.refused";

    private static Task WriteAsync(SettingsFile settings, int permits) =>
        settings.WriteAsync(
            $$"""
            {
              "RateLimits": {
                "PerAddress": { "PermitsPerSecond": {{permits}}, "Burst": {{(permits > 1 ? permits : 3)}} }
              }
            }
            """
        );
}
