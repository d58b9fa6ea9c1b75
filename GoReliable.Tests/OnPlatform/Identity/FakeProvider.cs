using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.Tests.OnPlatform.Identity;

/// <summary>
/// An OpenID Connect provider, as far as a service asks one: over TLS, where its keys are, and the keys.
/// </summary>
internal sealed class FakeProvider : IAsyncDisposable
{
    private static readonly X509Certificate2 Certificate = MakeCertificate();

    private readonly int port;
    private WebApplication? app;

    /// <summary>Knows where it will listen, but does not listen yet.</summary>
    public FakeProvider()
    {
        port = ServiceProcess.FreePort();
        Rotate(new RsaSecurityKey(RSA.Create(2048)), SecurityAlgorithms.RsaSha256);
        File.WriteAllText(CertificateFile, Certificate.ExportCertificatePem());
    }

    /// <summary>Its URL, which is the issuer of its tokens.</summary>
    public string Authority => $"https://localhost:{port}";

    /// <summary>Whom a service must trust to trust it.</summary>
    public string CertificateFile { get; } =
        Path.Combine(Path.GetTempPath(), $"goreliable-provider-{Guid.NewGuid():N}.pem");

    /// <summary>Its key, of which it publishes the public part.</summary>
    public JsonWebKey Key { get; private set; } = null!;

    /// <summary>Makes tokens with the key of now.</summary>
    public TokenIssuer Tokens { get; private set; } = null!;

    /// <summary>Whether it leaves who asks without an answer.</summary>
    public bool Silent { get; set; }

    /// <summary>Signs with another key from now on, and publishes no other.</summary>
    public void Rotate(AsymmetricSecurityKey key, string algorithm)
    {
        key.KeyId = $"{Guid.NewGuid():N}";
        Key = JsonWebKeyConverter.ConvertFromSecurityKey(key);
        Tokens = new TokenIssuer(key, algorithm, Authority);
    }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, port, listen => listen.UseHttps(Certificate))
        );
        app = builder.Build();
        app.Use(
            (context, next) =>
                Silent ? new TaskCompletionSource().Task.WaitAsync(context.RequestAborted) : next(context)
        );
        app.MapGet("/.well-known/openid-configuration", () =>
            Results.Json(new { issuer = Authority, jwks_uri = $"{Authority}/keys" })
        );
        app.MapGet("/keys", () => Results.Json(
                new
                {
                    keys = new[]
                    {
                        new
                        {
                            Key.Kty,
                            Key.Kid,
                            use = "sig",
                            Key.N,
                            Key.E,
                            Key.Crv,
                            Key.X,
                            Key.Y,
                        },
                    },
                }
            ));
        await app.StartAsync(TestContext.Current.CancellationToken);
    }

    public async Task StopAsync()
    {
        if (app is not null)
            await app.DisposeAsync();
        app = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        File.Delete(CertificateFile);
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(
            new X509BasicConstraintsExtension(
                certificateAuthority: true,
                hasPathLengthConstraint: false,
                0,
                critical: true
            )
        );
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
