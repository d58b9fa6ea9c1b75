using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.OnPlatform.Identity;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.Tests.InProcess.Identity;

/// <summary>In production, a service that takes the tokens of an OpenID Connect provider.</summary>
public sealed class ProviderTests : IAsyncLifetime
{
    private readonly FakeProvider provider = new();
    private WebApplication service = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new() { EnvironmentName = Environments.Production });
        builder.WebHost.UseTestServer();
        builder.Configuration["Authentication:Schemes:Bearer:Authority"] = provider.Authority;
        builder.Configuration["Authentication:Schemes:Bearer:RefreshInterval"] = "00:00:01";
        builder.AddIdentity();
        builder.Services.AddProblemDetails().AddRouting();
        var trusted = X509CertificateLoader.LoadCertificateFromFile(provider.CertificateFile);
        builder.Services.Configure<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme, bearer =>
            bearer.BackchannelHttpHandler = new SocketsHttpHandler
            {
                SslOptions =
                {
                    CertificateChainPolicy = new()
                    {
                        TrustMode = X509ChainTrustMode.CustomRootTrust,
                        CustomTrustStore = { trusted },
                        RevocationMode = X509RevocationMode.NoCheck,
                    },
                },
            }
        );
        service = builder.Build();
        service.UseRouting();
        service.UseAuthentication();
        service.UseAuthorization();
        service.MapGet("/", () => "").RequireAuthorization(Scopes.OrdersRead);
        await service.StartAsync(Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await service.DisposeAsync();
        await provider.DisposeAsync();
    }

    [Fact]
    public async Task Only_the_providers_tokens_are_accepted()
    {
        await provider.StartAsync();
        var publicKey = Encoding.UTF8.GetBytes($"{provider.Key.N}.{provider.Key.E}");
        var modulus = Base64UrlEncoder.DecodeBytes(provider.Key.N);
        using var rsa = RSA.Create(
            new RSAParameters { Modulus = modulus, Exponent = Base64UrlEncoder.DecodeBytes(provider.Key.E) }
        );
        var now = DateTime.UtcNow;

        Assert.Equal(HttpStatusCode.OK, await AskAsync(provider.Tokens.Issue("alice")));
        foreach (
            var (what, token) in new Dictionary<string, string>
            {
                ["a developer's key"] = GatewayProcess.Tokens.Issue("alice"),
                ["another key"] = Forged(keyId: null),
                ["another key by the name of the right one"] = Forged(provider.Key.Kid),
                // Whoever lets the token choose the algorithm takes the public key for a secret.
                ["the public key as a secret"] = Confused(publicKey),
                ["its modulus as a secret"] = Confused(modulus),
                ["its PEM as a secret"] = Confused(Encoding.UTF8.GetBytes(rsa.ExportSubjectPublicKeyInfoPem())),
                ["another issuer"] = Changed(token => token.Issuer = "https://somebody.else"),
                ["a developer's issuer"] = Changed(token => token.Issuer = TokenIssuer.DevelopmentIssuer),
                ["another audience"] = Changed(token => token.Audience = "somebody-else"),
                ["expired"] = Changed(token =>
                    (token.NotBefore, token.Expires) = (now.AddHours(-1), now.AddMinutes(-1))
                ),
                ["alg none"] = Changed(token => token.SigningCredentials = null),
            }
        )
            Assert.True(await AskAsync(token) == HttpStatusCode.Unauthorized, what);
    }

    [Fact]
    public async Task A_new_key_is_found_and_no_token_of_one_that_the_provider_withdrew_is_good_any_more()
    {
        await provider.StartAsync();
        var withdrawn = provider.Tokens;
        var known = withdrawn.Issue("alice");
        Assert.Equal(HttpStatusCode.OK, await AskAsync(known));
        // One with an invented key does not keep the new one from being found, whatever its kind.
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(Forged("invented")));

        provider.Rotate(
            new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)),
            SecurityAlgorithms.EcdsaSha256
        );
        await Poll.UntilAsync(
            "the new key known",
            () => AskAsync(provider.Tokens.Issue("alice")),
            status => status == HttpStatusCode.OK
        );

        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(withdrawn.Issue("mallory")));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(known));
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

    private string Forged(string? keyId) =>
        new TokenIssuer(
            new RsaSecurityKey(RSA.Create(2048)) { KeyId = keyId },
            SecurityAlgorithms.RsaSha256,
            provider.Authority
        ).Issue("alice");

    private string Confused(byte[] secret) =>
        new TokenIssuer(
            new SymmetricSecurityKey(secret) { KeyId = provider.Key.Kid },
            SecurityAlgorithms.HmacSha256,
            provider.Authority
        ).Issue("alice");

    private string Changed(Action<SecurityTokenDescriptor> change) => provider.Tokens.Issue("alice", change: change);

    private async Task<HttpStatusCode> AskAsync(string token)
    {
        using var client = service.GetTestClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var response = await client.GetAsync("/", Cancel);
        return response.StatusCode;
    }
}
