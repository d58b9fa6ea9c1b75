using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.Tests.InProcess.Identity;

/// <summary>
/// A token is validated once. Rules that would refuse it tell whether it was recognised or validated anew.
/// </summary>
public sealed class KnownTokensTests : IDisposable
{
    private readonly FakeTimeProvider time = new(DateTimeOffset.UtcNow);
    private readonly SecurityKey[] keys;
    private readonly TokenIssuer issuer;
    private readonly KnownTokens tokens;
    private readonly string token;

    public KnownTokensTests()
    {
        var key = TokenIssuer.NewKey();
        keys = [new SymmetricSecurityKey(Convert.FromBase64String(key))];
        issuer = TokenIssuer.Development(key);
        tokens = new(time);
        token = issuer.Issue("alice");
    }

    public void Dispose() => tokens.Dispose();

    [Fact]
    public async Task A_token_that_was_good_is_recognised_and_one_that_was_refused_is_validated_again()
    {
        Assert.False(await IsValidAsync(token, Rules("nobody")));
        Assert.True(await IsValidAsync(token, Rules()));

        var again = await tokens.ValidateTokenAsync(token, Rules("nobody"));

        Assert.True(again.IsValid);
        Assert.Equal("alice", again.ClaimsIdentity.FindFirst("sub")?.Value);
    }

    [Fact]
    public async Task Keys_from_settings_are_made_once()
    {
        var builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { EnvironmentName = Environments.Development }
        );
        builder.Configuration["Authentication:Schemes:Bearer:SigningKeys:0:Issuer"] = TokenIssuer.DevelopmentIssuer;
        builder.Configuration["Authentication:Schemes:Bearer:SigningKeys:0:Value"] = TokenIssuer.NewKey();
        builder.Configuration["Authentication:Schemes:Bearer:ValidIssuer"] = TokenIssuer.DevelopmentIssuer;
        builder.Services.AddProblemDetails();
        await using var app = builder.AddIdentity().Build();
        var rules = app
            .Services.GetRequiredService<IOptionsMonitor<JwtBearerOptions>>()
            .Get(JwtBearerDefaults.AuthenticationScheme)
            .TokenValidationParameters;

        Assert.Same(Assert.Single(rules.Clone().IssuerSigningKeys), Assert.Single(rules.Clone().IssuerSigningKeys));
    }

    [Fact]
    public async Task A_token_that_has_expired_is_refused_at_once()
    {
        Assert.True(await IsValidAsync(token, Rules()));
        time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(5));
        Assert.True(await IsValidAsync(token, Rules("nobody")));

        time.Advance(TimeSpan.FromSeconds(10));

        Assert.False(await IsValidAsync(token, Rules("nobody")));
    }

    [Fact]
    public async Task A_token_may_be_good_until_the_end_of_the_year_9999()
    {
        var endless = issuer.Issue("alice", change: token => token.Expires = DateTime.MaxValue.ToUniversalTime());

        Assert.True(await IsValidAsync(endless, Rules()));
        Assert.True(await IsValidAsync(endless, Rules("nobody")));
    }

    [Fact]
    public async Task A_token_whose_key_was_withdrawn_is_refused_at_once()
    {
        Assert.True(await IsValidAsync(token, Rules()));

        Assert.False(await IsValidAsync(token, Rules(signedBy: [new SymmetricSecurityKey(new byte[32])])));
    }

    [Fact]
    public async Task A_token_that_was_altered_is_refused_at_once()
    {
        Assert.True(await IsValidAsync(token, Rules()));
        var parts = token.Split('.');
        foreach (var part in Enumerable.Range(0, parts.Length))
        {
            var altered = parts.ToArray();
            var middle = altered[part].Length / 2;
            altered[part] = altered[part].Remove(middle, 1).Insert(middle, altered[part][middle] == 'A' ? "B" : "A");

            Assert.False(await IsValidAsync(string.Join('.', altered), Rules()));
        }
    }

    private async Task<bool> IsValidAsync(string token, TokenValidationParameters rules) =>
        (await tokens.ValidateTokenAsync(token, rules)).IsValid;

    private TokenValidationParameters Rules(
        string audience = IdentityExtensions.DefaultAudience,
        SecurityKey[]? signedBy = null
    ) =>
        new()
        {
            ValidIssuer = TokenIssuer.DevelopmentIssuer,
            ValidAudience = audience,
            // Another list each time, as ASP.NET does it.
            IssuerSigningKeys = [.. signedBy ?? keys],
            ClockSkew = TimeSpan.FromSeconds(30),
        };
}
