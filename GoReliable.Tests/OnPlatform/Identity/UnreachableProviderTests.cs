using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Identity;

/// <summary>In production: an OpenID Connect provider that is not always there.</summary>
public sealed class UnreachableProviderTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_the_provider_no_token_is_judged_and_with_it_service_resumes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere SSL_CERT_FILE does not say whom to trust.");
        await using var provider = new FakeProvider();
        await using var orders = await Destination.StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(
            [orders.Address],
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("Authentication__Schemes__Bearer__Authority", provider.Authority),
            ("SSL_CERT_FILE", provider.CertificateFile)
        );

        gateway.Client.DefaultRequestHeaders.Authorization = provider.Tokens.Bearer("alice");
        for (var i = 0; i < 20; i++)
        {
            using var response = await gateway.Client.GetAsync(OrdersClient.Orders, Cancel);
            await response.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
            Assert.Equal(TimeSpan.FromSeconds(5), response.Headers.RetryAfter?.Delta);
        }
        gateway.Client.DefaultRequestHeaders.Authorization = null;
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync());
        Assert.Equal(HttpStatusCode.OK, (await gateway.Management.GetAsync("/health/ready", Cancel)).StatusCode);

        gateway.Client.DefaultRequestHeaders.Authorization = provider.Tokens.Bearer("alice");
        await provider.StartAsync();
        await Poll.UntilAsync("the provider asked again", AskAsync, status => status == HttpStatusCode.OK);
        await provider.StopAsync();
        Assert.Equal(HttpStatusCode.OK, await AskAsync());

        await gateway.StopAsync();
        var events = gateway
            .Events.Select(line => line.TryGetProperty("event", out var name) ? name.GetString() : null)
            .Where(name => name?.StartsWith("identity.", StringComparison.Ordinal) == true);
        Assert.Equal(["identity.provider_unreachable", "identity.provider_reached"], events);
        Assert.DoesNotContain(gateway.Output, line => line.Contains("   at ", StringComparison.Ordinal));

        async Task<HttpStatusCode> AskAsync()
        {
            using var response = await gateway.Client.GetAsync(OrdersClient.Orders, Cancel);
            return response.StatusCode;
        }
    }
}
