using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.Bench;

/// <summary>
/// What a token costs a request: reading, the signature, the claims, the policy. The difference to the route without
/// one.
/// </summary>
[MemoryDiagnoser]
public class TokenChecking
{
    private const string Issuer = "bench";

    private readonly Dictionary<string, string> tokens = [];
    private WebApplication app = null!;
    private RequestDelegate pipeline = null!;

    [GlobalSetup]
    public void Setup()
    {
        var keys = new Dictionary<string, (SecurityKey Key, string Algorithm)>
        {
            ["HS256"] = (new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(32)), SecurityAlgorithms.HmacSha256),
            ["RS256"] = (new RsaSecurityKey(RSA.Create(2048)) { KeyId = "rsa" }, SecurityAlgorithms.RsaSha256),
            ["ES256"] = (
                new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "ec" },
                SecurityAlgorithms.EcdsaSha256
            ),
        };
        foreach (var (name, (key, algorithm)) in keys)
        {
            tokens[name] =
                "Bearer "
                + new JsonWebTokenHandler().CreateToken(
                    new SecurityTokenDescriptor
                    {
                        Issuer = Issuer,
                        Audience = IdentityExtensions.DefaultAudience,
                        Expires = DateTime.UtcNow.AddHours(1),
                        Claims = new Dictionary<string, object>
                        {
                            ["sub"] = "alice",
                            ["scope"] = $"{Scopes.OrdersRead} {Scopes.OrdersWrite}",
                        },
                        SigningCredentials = new SigningCredentials(key, algorithm),
                    }
                );
        }

        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
        builder.Logging.ClearProviders();
        builder.AddIdentity();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddProblemDetails();
        builder.Services.PostConfigure<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme, bearer =>
        {
            bearer.TokenValidationParameters.ValidIssuer = Issuer;
            bearer.TokenValidationParameters.IssuerSigningKeys = [.. keys.Values.Select(key => key.Key)];
        });
        app = builder.Build();
        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        app.Map("/anybody", NothingAsync);
        app.Map("/customer", NothingAsync).RequireAuthorization(Scopes.OrdersRead);
        // A host would add it.
        app.UseEndpoints(_ => { });
        pipeline = ((IApplicationBuilder)app).Build();
    }

    [GlobalCleanup]
    public ValueTask CleanupAsync() => app.DisposeAsync();

    [Benchmark]
    public Task NoToken() => AskAsync("/anybody", token: null);

    [Benchmark]
    [Arguments("HS256")]
    [Arguments("RS256")]
    [Arguments("ES256")]
    public Task Token(string algorithm) => AskAsync("/customer", tokens[algorithm]);

    private static Task NothingAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private async Task AskAsync(string path, string? token)
    {
        using var scope = app.Services.CreateScope();
        var context = new DefaultHttpContext
        {
            RequestServices = scope.ServiceProvider,
            Request = { Method = "GET", Path = path },
        };
        if (token is not null)
            context.Request.Headers.Authorization = token;
        await pipeline(context);
        if (context.Response.StatusCode != StatusCodes.Status204NoContent)
            throw new InvalidOperationException($"Answered with {context.Response.StatusCode}.");
    }
}
