using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Caching.Memory;

namespace GoReliable.ServiceDefaults.Identity;

/// <summary>What good tokens say, by the hash of the token. No token is kept.</summary>
internal sealed class KnownTokens() : MemoryCache(new MemoryCacheOptions { SizeLimit = MaxTokens })
{
    // What a token of 270 characters says takes 2 KB, of 1,500 characters 5 KB: 10 to 26 MB for all. The gateway's pod
    // may have 256 MiB. When it is full, a new token is not kept yet: a twentieth, those that nobody sent for longest,
    // makes room in the background.
    private const int MaxTokens = 5_000;

    private object? keys;

    /// <summary>Keeps what a token says until it expires, or another one was validated by other keys.</summary>
    public void Add(string hash, KnownToken token)
    {
        // What was validated by the keys before is never used again, and would keep those keys in memory.
        if (Interlocked.Exchange(ref keys, token.Keys) != token.Keys)
            Clear();
        this.Set(hash, token, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpiration = token.Expires });
    }
}

/// <param name="Result">What the token says.</param>
/// <param name="Keys">By which it was validated.</param>
/// <param name="Expires">When the token does.</param>
internal sealed record KnownToken(Task<AuthenticateResult> Result, object? Keys, DateTimeOffset Expires);
