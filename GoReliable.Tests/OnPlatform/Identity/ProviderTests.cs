using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using GoReliable.Tests.Platform;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.Tests.OnPlatform.Identity;

/// <summary>In production: tokens of an OpenID Connect provider, and a provider that is not always there.</summary>
public sealed class ProviderTests : IAsyncLifetime
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private readonly FakeProvider provider = new();
    private Destination orders = null!;
    private GatewayProcess gateway = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere SSL_CERT_FILE does not say whom to trust.");
        orders = await Destination.StartAsync();
        gateway = await GatewayProcess.StartAsync(
            [orders.Address],
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("Authentication__Schemes__Bearer__Authority", provider.Authority),
            ("SSL_CERT_FILE", provider.CertificateFile),
            ("Authentication__Schemes__Bearer__RefreshInterval", "00:00:02")
        );
    }

    public async ValueTask DisposeAsync()
    {
        if (gateway is not null)
            await gateway.DisposeAsync();
        if (orders is not null)
            await orders.DisposeAsync();
        await provider.DisposeAsync();
    }

    [Fact]
    public async Task Only_the_providers_tokens_are_accepted()
    {
        await provider.StartAsync();
        var publicKey = Encoding.UTF8.GetBytes($"{provider.PublicKey.N}.{provider.PublicKey.E}");
        var modulus = Base64UrlEncoder.DecodeBytes(provider.PublicKey.N);

        Assert.Equal(HttpStatusCode.OK, await AskAsync(provider.Tokens.Issue("alice")));
        foreach (
            var (what, token) in new Dictionary<string, string>
            {
                ["a developer's key"] = GatewayProcess.Tokens.Issue("alice"),
                ["another key"] = new TokenIssuer(
                    new RsaSecurityKey(RSA.Create(2048)),
                    SecurityAlgorithms.RsaSha256,
                    provider.Authority
                ).Issue("alice"),
                ["another key by the name of the right one"] = new TokenIssuer(
                    new RsaSecurityKey(RSA.Create(2048)) { KeyId = provider.PublicKey.Kid },
                    SecurityAlgorithms.RsaSha256,
                    provider.Authority
                ).Issue("alice"),
                // Whoever lets the token choose the algorithm takes the public key for a secret.
                ["the public key as a secret"] = Confused(publicKey),
                ["its modulus as a secret"] = Confused(modulus),
                ["its PEM as a secret"] = Confused(
                    Encoding.UTF8.GetBytes(
                        RSA.Create(
                                new RSAParameters
                                {
                                    Modulus = modulus,
                                    Exponent = Base64UrlEncoder.DecodeBytes(provider.PublicKey.E),
                                }
                            )
                            .ExportSubjectPublicKeyInfoPem()
                    )
                ),
                ["another issuer"] = provider.Tokens.Issue("alice", change: token =>
                    token.Issuer = "https://somebody.else"
                ),
                ["a developer's issuer"] = provider.Tokens.Issue("alice", change: token =>
                    token.Issuer = TokenIssuer.DevelopmentIssuer
                ),
                ["another audience"] = provider.Tokens.Issue("alice", change: token =>
                    token.Audience = "somebody-else"
                ),
                ["expired"] = provider.Tokens.Issue("alice", change: token =>
                    (token.NotBefore, token.Expires) = (DateTime.UtcNow.AddHours(-1), DateTime.UtcNow.AddMinutes(-1))
                ),
                ["alg none"] = provider.Tokens.Issue("alice", change: token => token.SigningCredentials = null),
            }
        )
        {
            Assert.True(await AskAsync(token) == HttpStatusCode.Unauthorized, what);
        }
        Assert.Single(orders.Requests);
    }

    [Fact]
    public async Task A_new_key_is_found_and_one_that_the_provider_withdrew_signs_no_more_tokens()
    {
        await provider.StartAsync();
        var withdrawn = provider.Tokens;
        Assert.Equal(HttpStatusCode.OK, await AskAsync(withdrawn.Issue("alice")));
        // One with an invented key does not keep the new one from being found, whatever its kind.
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await AskAsync(
                new TokenIssuer(
                    new RsaSecurityKey(RSA.Create(2048)) { KeyId = "invented" },
                    SecurityAlgorithms.RsaSha256,
                    provider.Authority
                ).Issue("alice")
            )
        );

        provider.Rotate(ECDsa.Create(ECCurve.NamedCurves.nistP256));
        await Poll.UntilAsync(
            "the new key known",
            () => AskAsync(provider.Tokens.Issue("alice")),
            status => status == HttpStatusCode.OK
        );

        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(withdrawn.Issue("mallory")));
    }

    [Fact]
    public async Task Without_the_provider_no_token_is_judged_and_with_it_service_resumes()
    {
        for (var i = 0; i < 20; i++)
        {
            using var response = await SendAsync(provider.Tokens.Issue("alice"));
            await response.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
            Assert.Equal(TimeSpan.FromSeconds(5), response.Headers.RetryAfter?.Delta);
        }
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(token: null));
        Assert.Equal(HttpStatusCode.OK, (await gateway.Management.GetAsync("/health/ready", Cancel)).StatusCode);

        await provider.StartAsync();
        await Poll.UntilAsync(
            "the provider asked again",
            () => AskAsync(provider.Tokens.Issue("alice")),
            status => status == HttpStatusCode.OK
        );
        await provider.StopAsync();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(provider.Tokens.Issue("alice")));

        await gateway.StopAsync();
        var events = gateway
            .Events.Select(line => line.TryGetProperty("event", out var name) ? name.GetString() : null)
            .Where(name => name?.StartsWith("identity.", StringComparison.Ordinal) == true);
        Assert.Equal(["identity.provider_unreachable", "identity.provider_reached"], events);
        Assert.DoesNotContain(gateway.Output, line => line.Contains("   at ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Requests_that_wait_for_the_provider_share_one_short_wait()
    {
        provider.Silent = true;
        await provider.StartAsync();

        var asked = TimeProvider.System.GetTimestamp();
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => AskAsync(provider.Tokens.Issue("alice"))));

        Assert.All(answers, status => Assert.Equal(HttpStatusCode.ServiceUnavailable, status));
        // One after the other they would have waited 150 seconds.
        Assert.InRange(TimeProvider.System.GetElapsedTime(asked), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
    }

    private string Confused(byte[] secret) =>
        new TokenIssuer(
            new SymmetricSecurityKey(secret) { KeyId = provider.PublicKey.Kid },
            SecurityAlgorithms.HmacSha256,
            provider.Authority
        ).Issue("alice", TokenIssuer.CustomerScopes);

    private async Task<HttpStatusCode> AskAsync(string? token)
    {
        using var response = await SendAsync(token);
        return response.StatusCode;
    }

    private async Task<HttpResponseMessage> SendAsync(string? token)
    {
        gateway.Client.DefaultRequestHeaders.Authorization = null;
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/orders");
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await gateway.Client.SendAsync(request, Cancel);
    }
}
