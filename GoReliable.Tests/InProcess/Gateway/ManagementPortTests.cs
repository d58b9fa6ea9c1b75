using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>The management port is there, in whatever way the public one is configured.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class ManagementPortTests
{
    [Fact]
    public async Task The_management_port_works_beside_Kestrels_own_endpoints()
    {
        var ours = new Uri($"http://127.0.0.1:{ServiceProcess.FreePort()}");
        await using var gateway = await InProcessGateway.StartAsync([], ("Kestrel__Endpoints__Public__Url", $"{ours}"));
        using var client = new HttpClient { BaseAddress = ours };

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway.Management, "/health/ready"));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(client, "/api/v1/orders"));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(client, "/metrics"));
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
