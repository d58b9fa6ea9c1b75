using GoReliable.ServiceDefaults.Configuration;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.ServiceDefaults.Identity;

/// <summary>
/// Who is calling, and what they may do: a JWT as bearer token (https://www.rfc-editor.org/rfc/rfc6750).
/// </summary>
public static class IdentityExtensions
{
    /// <summary>The customer (https://www.rfc-editor.org/rfc/rfc7519#section-4.1.2).</summary>
    public const string SubjectClaim = "sub";

    /// <summary>What the token allows: one claim for each of <see cref="Scopes"/>.</summary>
    internal const string ScopeClaim = "scope";

    /// <summary>The audience that tokens must have, unless <c>ValidAudiences</c> says otherwise.</summary>
    public const string DefaultAudience = "goreliable";

    // Where ASP.NET reads the settings of this scheme itself: Authority, ValidAudiences, ValidIssuers, SigningKeys.
    private const string Section = "Authentication:Schemes:Bearer";

    // With the default of a minute, no client would get an answer for that long.
    private static readonly TimeSpan ProviderTimeout = TimeSpan.FromSeconds(5);

    // How often at most a token with an unknown key makes us ask for new keys. With the default of five minutes, anyone
    // could keep a new key from being found, by sending a token with an invented one.
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(30);

    // With the default of five minutes, an expired token would go on working for that long.
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Adds authentication, a policy for each of <see cref="Scopes"/>, and refusals that are problem documents.
    /// </summary>
    /// <exception cref="InvalidSettingException">
    /// Outside Development: no authority with https is configured, or a signing key is.
    /// </exception>
    public static WebApplicationBuilder AddIdentity(this WebApplicationBuilder builder)
    {
        var development = builder.Environment.IsDevelopment();
        if (!development)
            RequireAuthority(builder.Configuration.GetSection(Section));

        builder.Services.AddSingleton<IdentityProvider>();
        builder.Services.AddSingleton<KnownTokens>();
        builder.Services.AddSingleton<IAuthorizationMiddlewareResultHandler, Refusals>();
        builder
            .Services.AddAuthentication(JwtBearerDefaults.AuthenticationScheme)
            .AddJwtBearer(bearer =>
            {
                bearer.MapInboundClaims = false;
                // There are none, but ASP.NET would make this object for each request.
                bearer.Events = new JwtBearerEvents();
                bearer.SaveToken = false;
                bearer.RequireHttpsMetadata = !development;
                bearer.BackchannelTimeout = ProviderTimeout;
                if (bearer.RefreshInterval == ConfigurationManager<OpenIdConnectConfiguration>.DefaultRefreshInterval)
                    bearer.RefreshInterval = RefreshInterval;

                var rules = bearer.TokenValidationParameters;
                rules.ClockSkew = ClockSkew;
                rules.NameClaimType = SubjectClaim;
                // ASP.NET's binding switches these off where nothing is configured to compare with. The issuer is then
                // the authority's.
                rules.ValidateIssuer = true;
                rules.ValidateAudience = true;
                if (rules.ValidAudiences?.Any() != true)
                    rules.ValidAudiences = [DefaultAudience];
                // ASP.NET's own list would read the settings and make new keys each time.
                rules.IssuerSigningKeys = rules.IssuerSigningKeys?.ToArray();
            });
        // In place of ASP.NET's, which another AddJwtBearer after this one would bring back.
        builder.Services.AddTransient<JwtBearerHandler, TokenHandler>();
        builder.Services.PostConfigure<JwtBearerOptions>(JwtBearerDefaults.AuthenticationScheme, bearer =>
        {
            // With the default, a key that the provider withdrew signs good tokens for another hour.
            if (bearer.ConfigurationManager is BaseConfigurationManager issuer)
                issuer.UseLastKnownGoodConfiguration = false;
        });

        var policies = builder.Services.AddAuthorizationBuilder();
        foreach (var scope in Scopes.All)
            policies.AddPolicy(scope, policy => policy.RequireClaim(ScopeClaim, scope));
        return builder;
    }

    private static void RequireAuthority(IConfigurationSection bearer)
    {
        if (bearer["Authority"] is not { Length: > 0 } authority)
            throw new InvalidSettingException(
                $"{Section}:Authority is not set: outside Development it must be the https URL "
                    + "of the identity provider that issues the tokens."
            );
        if (!Uri.TryCreate(authority, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps)
            throw new InvalidSettingException(
                $"{Section}:Authority is '{authority}', but outside Development it must be an https URL."
            );
        if (bearer.GetSection("SigningKeys").Exists())
            throw new InvalidSettingException(
                $"{Section}:SigningKeys are for Development only: outside it the keys come from the authority."
            );
    }
}
