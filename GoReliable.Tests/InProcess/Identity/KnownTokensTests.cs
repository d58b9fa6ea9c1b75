using System.Security.Claims;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.Tests.InProcess.Identity;

/// <summary>
/// A token is validated once. Rules that would refuse it tell whether it was recognised or validated anew.
/// </summary>
public sealed class KnownTokensTests : IAsyncDisposable
{
    private readonly FakeTimeProvider time = new(DateTimeOffset.UtcNow);
    private readonly TokenIssuer issuer;
    private readonly WebApplication app;
    private readonly TokenValidationParameters rules;
    private readonly string token;

    public KnownTokensTests()
    {
        var key = TokenIssuer.NewKey();
        issuer = TokenIssuer.Development(key);
        token = issuer.Issue("alice");
        var builder = WebApplication.CreateBuilder(
            new WebApplicationOptions { EnvironmentName = Environments.Development }
        );
        builder.Configuration["Authentication:Schemes:Bearer:SigningKeys:0:Issuer"] = TokenIssuer.DevelopmentIssuer;
        builder.Configuration["Authentication:Schemes:Bearer:SigningKeys:0:Value"] = key;
        builder.Configuration["Authentication:Schemes:Bearer:ValidIssuer"] = TokenIssuer.DevelopmentIssuer;
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddProblemDetails();
        app = builder.AddIdentity().Build();
        rules = app
            .Services.GetRequiredService<IOptionsMonitor<JwtBearerOptions>>()
            .Get(JwtBearerDefaults.AuthenticationScheme)
            .TokenValidationParameters;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    [Fact]
    public void What_was_validated_by_keys_that_were_replaced_is_forgotten()
    {
        using var known = new KnownTokens();
        var expires = DateTimeOffset.UtcNow.AddHours(1);
        var result = Task.FromResult(AuthenticateResult.NoResult());
        object keys = new();
        known.Add("first", new KnownToken(result, keys, expires));
        known.Add("second", new KnownToken(result, keys, expires));
        Assert.Equal(2, known.Count);

        known.Add("third", new KnownToken(result, Keys: new object(), expires));

        Assert.Equal(1, known.Count);
    }

    [Fact]
    public async Task A_token_that_was_good_is_recognised_and_one_that_was_refused_is_validated_again()
    {
        RefuseAll();
        Assert.Null(await CustomerAsync(token));
        AcceptAgain();
        Assert.Equal("alice", await CustomerAsync(token));

        RefuseAll();

        Assert.Equal("alice", await CustomerAsync(token));
    }

    [Theory]
    [InlineData("bearer {0}")]
    [InlineData("Bearer   {0}")]
    public async Task A_token_is_recognised_however_the_header_is_written(string header)
    {
        Assert.Equal("alice", await CustomerAsync(token));
        RefuseAll();

        Assert.Equal("alice", (await AskAsync(string.Format(null, header, token))).Principal?.FindFirstValue("sub"));
    }

    // .NET's own identity would find it there.
    [Fact]
    public async Task A_customer_is_never_read_from_a_claim_that_is_only_spelled_like_the_subject()
    {
        var odd = issuer.IssueRaw(
            """{ "iss": "$iss", "aud": "goreliable", "exp": $exp, "SUB": "mallory", "sub": "alice" }"""
        );

        Assert.Equal("alice", await CustomerAsync(odd));
        Assert.Equal("alice", await CustomerAsync(odd));
    }

    // ASP.NET's policies compare the type of a claim without regard to case.
    [Theory]
    [InlineData("scope", true)]
    [InlineData("scp", true)]
    [InlineData("SCOPE", false)]
    [InlineData("SCP", false)]
    public async Task A_scope_is_never_read_from_a_claim_that_is_only_spelled_like_it(string claim, bool isScope)
    {
        var odd = issuer.Issue("alice", change: token =>
            token.Claims = new Dictionary<string, object> { ["sub"] = "alice", [claim] = Scopes.OrdersRead }
        );
        var authorization = app.Services.GetRequiredService<IAuthorizationService>();

        var caller = (await AskAsync($"Bearer {odd}")).Principal!;

        Assert.Equal(isScope, (await authorization.AuthorizeAsync(caller, Scopes.OrdersRead)).Succeeded);
    }

    [Fact]
    public async Task What_is_remembered_of_a_token_does_not_contain_it()
    {
        var kept = (await AskAsync($"Bearer {token}")).Ticket!;

        var identity = Assert.IsType<CaseSensitiveClaimsIdentity>(kept.Principal.Identity);
        Assert.Null(identity.SecurityToken);
        Assert.Null(identity.BootstrapContext);
        Assert.All(identity.Claims, claim => Assert.DoesNotContain(token, claim.Value));
        Assert.Empty(kept.Properties.Items);
        Assert.Empty(kept.Properties.Parameters);
    }

    [Fact]
    public void Keys_from_settings_are_made_once() =>
        Assert.Same(Assert.Single(rules.Clone().IssuerSigningKeys), Assert.Single(rules.Clone().IssuerSigningKeys));

    [Fact]
    public async Task A_token_that_has_expired_is_refused_at_once()
    {
        Assert.NotNull(await CustomerAsync(token));
        RefuseAll();
        time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromSeconds(5));
        Assert.NotNull(await CustomerAsync(token));

        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Null(await CustomerAsync(token));
    }

    [Fact]
    public async Task A_token_may_be_good_until_the_end_of_the_year_9999()
    {
        var endless = issuer.Issue("alice", change: token => token.Expires = DateTime.MaxValue.ToUniversalTime());

        Assert.NotNull(await CustomerAsync(endless));
        RefuseAll();
        Assert.NotNull(await CustomerAsync(endless));
    }

    [Fact]
    public async Task A_token_whose_key_was_withdrawn_is_refused_at_once()
    {
        Assert.NotNull(await CustomerAsync(token));

        rules.IssuerSigningKeys = [new SymmetricSecurityKey(new byte[32])];

        Assert.Null(await CustomerAsync(token));
    }

    [Fact]
    public async Task A_token_that_was_altered_is_refused_at_once()
    {
        Assert.NotNull(await CustomerAsync(token));
        var parts = token.Split('.');
        foreach (var part in Enumerable.Range(0, parts.Length))
        {
            var altered = parts.ToArray();
            var middle = altered[part].Length / 2;
            altered[part] = altered[part].Remove(middle, 1).Insert(middle, altered[part][middle] == 'A' ? "B" : "A");

            Assert.Null(await CustomerAsync(string.Join('.', altered)));
        }
    }

    private void RefuseAll() => rules.ValidAudiences = ["nobody"];

    private void AcceptAgain() => rules.ValidAudiences = [IdentityExtensions.DefaultAudience];

    private async Task<string?> CustomerAsync(string token) =>
        (await AskAsync($"Bearer {token}")).Principal?.FindFirstValue("sub");

    private async Task<AuthenticateResult> AskAsync(string header)
    {
        await using var scope = app.Services.CreateAsyncScope();
        var context = new DefaultHttpContext { RequestServices = scope.ServiceProvider };
        context.Request.Headers.Authorization = header;
        return await context.AuthenticateAsync();
    }
}
