using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace GoReliable.ServiceDefaults.Identity;

/// <summary>
/// Validates a token once, and recognises it by its hash until it expires or the issuer's keys change. What validation
/// made of it is kept, and that has the token itself in it: a dump of our memory has usable tokens.
/// </summary>
internal sealed class KnownTokens : JsonWebTokenHandler, IDisposable
{
    // A token of 450 characters takes 8 kB of memory, one of 1,800 takes 13 kB: 40 to 65 MB for all. The gateway's pod
    // may have 256 MiB. Tokens beyond this number are validated each time.
    private const int MaxTokens = 5_000;

    private readonly MemoryCache known = new(new MemoryCacheOptions { SizeLimit = MaxTokens });
    private readonly TimeProvider time;

    public KnownTokens(TimeProvider time)
    {
        this.time = time;
        MapInboundClaims = false;
    }

    public override async Task<TokenValidationResult> ValidateTokenAsync(
        string token,
        TokenValidationParameters validationParameters
    )
    {
        // It is another object after each refresh, so a key that the issuer withdrew is no longer accepted.
        object? keys = validationParameters.ConfigurationManager is { } issuer
            ? await issuer.GetBaseConfigurationAsync(CancellationToken.None)
            : validationParameters.IssuerSigningKeys;
        var hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        if (known.TryGetValue(hash, out Entry? entry) && AreSame(entry!.Keys, keys) && time.GetUtcNow() < entry.Expires)
            return entry.Result;

        var result = await base.ValidateTokenAsync(token, validationParameters);
        if (result.IsValid)
        {
            // Without the clock skew, with which the year 9999 would become one that no date can have.
            var expires = new DateTimeOffset(result.SecurityToken.ValidTo);
            // Created on first use, which must not happen in several requests at the same time.
            _ = result.ClaimsIdentity;
            known.Set(
                hash,
                new Entry(result, keys, expires),
                new MemoryCacheEntryOptions { Size = 1, AbsoluteExpiration = expires }
            );
        }
        return result;
    }

    public void Dispose() => known.Dispose();

    // ASP.NET passes a new list for each request, with the same keys.
    private static bool AreSame(object? one, object? other) =>
        one == other
        || (
            one is IEnumerable<SecurityKey> keys
            && other is IEnumerable<SecurityKey> others
            && keys.SequenceEqual(others)
        );

    private sealed record Entry(TokenValidationResult Result, object? Keys, DateTimeOffset Expires);
}
