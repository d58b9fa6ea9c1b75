using System.Net.Http.Headers;
using System.Security.Cryptography;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.Tests.Platform;

/// <summary>Makes tokens.</summary>
internal sealed class TokenIssuer(SecurityKey key, string algorithm, string issuer)
{
    /// <summary>What a customer may do.</summary>
    public const string CustomerScopes = $"{Scopes.OrdersRead} {Scopes.OrdersWrite}";

    /// <summary>The issuer that the AppHost lets its services accept.</summary>
    public const string DevelopmentIssuer = "dotnet-user-jwts";

    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <summary>Signs as <c>dotnet user-jwts</c> does.</summary>
    /// <param name="key">In Base64.</param>
    public static TokenIssuer Development(string key) =>
        new(new SymmetricSecurityKey(Convert.FromBase64String(key)), SecurityAlgorithms.HmacSha256, DevelopmentIssuer);

    /// <summary>A new key for <see cref="Development"/>.</summary>
    public static string NewKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <summary>A token that is good for an hour, if nothing is changed.</summary>
    /// <param name="customer">Its subject; null for none.</param>
    /// <param name="scopes">Separated by spaces.</param>
    /// <param name="change">Makes it a bad one.</param>
    public string Issue(
        string? customer,
        string scopes = CustomerScopes,
        Action<SecurityTokenDescriptor>? change = null
    )
    {
        var now = DateTime.UtcNow;
        var token = new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = IdentityExtensions.DefaultAudience,
            IssuedAt = now,
            NotBefore = now,
            Expires = now.AddHours(1),
            Claims = new Dictionary<string, object> { ["scope"] = scopes },
            SigningCredentials = new SigningCredentials(key, algorithm),
        };
        if (customer is not null)
            token.Claims["sub"] = customer;
        change?.Invoke(token);
        return Handler.CreateToken(token);
    }

    /// <summary>Signs any payload; <c>$iss</c> and <c>$exp</c> in it are replaced by what makes a good token.</summary>
    public string IssueRaw(string payload) =>
        Handler.CreateToken(
            payload
                .Replace("$iss", issuer, StringComparison.Ordinal)
                .Replace("$exp", $"{DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds()}", StringComparison.Ordinal),
            new SigningCredentials(key, algorithm)
        );

    /// <summary>As a header.</summary>
    public AuthenticationHeaderValue Bearer(string? customer, string scopes = CustomerScopes) =>
        new("Bearer", Issue(customer, scopes));
}
