using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.ServiceDefaults;

/// <summary>The management port is there, in whatever way the public one is configured.</summary>
public sealed class ManagementPortTests
{
    [Fact]
    public async Task The_management_port_works_beside_Kestrels_own_endpoints()
    {
        var ours = ServiceProcess.FreePort();
        await using var gateway = await ServiceProcess.StartAsync(
            "Gateway",
            ("Kestrel__Endpoints__Public__Url", $"http://127.0.0.1:{ours}")
        );
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{ours}") };

        Assert.Equal(200, (await gateway.HealthAsync("ready")).Status);
        using var refused = await client.GetAsync("/api/v1/orders", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        using var hidden = await client.GetAsync("/metrics", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, hidden.StatusCode);
    }
}
