using System.ComponentModel.DataAnnotations;
using System.Threading.RateLimiting;

namespace GoReliable.Gateway.Limits;

/// <summary>
/// How fast requests may come in: a token bucket. Sections <c>RateLimits:PerCustomer</c> and
/// <c>RateLimits:PerAddress</c>.
/// </summary>
internal sealed record RateLimit
{
    /// <summary>Requests per second that a client may send without end.</summary>
    [Range(1, 1_000_000)]
    public int PermitsPerSecond { get; init; }

    /// <summary>Requests that a client may send at once after a pause.</summary>
    [Range(1, 1_000_000)]
    public int Burst { get; init; }

    /// <summary>The options of such a bucket; it starts full.</summary>
    public TokenBucketRateLimiterOptions Bucket()
    {
        // Filled in small portions, ten times a second where the rate allows it.
        var portion = Math.Max(1, PermitsPerSecond / 10);
        return new TokenBucketRateLimiterOptions
        {
            TokenLimit = Burst,
            TokensPerPeriod = portion,
            ReplenishmentPeriod = TimeSpan.FromSeconds((double)portion / PermitsPerSecond),
            // One timer for all buckets, and not one each.
            AutoReplenishment = false,
        };
    }
}
