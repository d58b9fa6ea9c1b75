using System.ComponentModel.DataAnnotations;
using System.Threading.RateLimiting;

namespace GoReliable.Gateway.Limits;

/// <summary>
/// How fast requests may come in: a token bucket. Sections <c>RateLimits:PerCustomer</c> and
/// <c>RateLimits:PerAddress</c>.
/// </summary>
internal sealed record RateLimit : IValidatableObject
{
    /// <summary>Requests per second that a client may send without end.</summary>
    [Range(1, 1_000_000)]
    public int PermitsPerSecond { get; init; }

    /// <summary>
    /// Requests that a client may send at once after a pause; at least a tenth of <see cref="PermitsPerSecond"/>.
    /// </summary>
    [Range(1, 1_000_000)]
    public int Burst { get; init; }

    // Buckets are filled in small portions, ten times a second where the rate allows it.
    private int TokensPerRefill => Math.Max(1, PermitsPerSecond / 10);

    /// <summary>The options of such a bucket; it starts full.</summary>
    public TokenBucketRateLimiterOptions Bucket() =>
        new()
        {
            TokenLimit = Burst,
            TokensPerPeriod = TokensPerRefill,
            ReplenishmentPeriod = TimeSpan.FromSeconds((double)TokensPerRefill / PermitsPerSecond),
            // One timer for all buckets, and not one each.
            AutoReplenishment = false,
        };

    /// <summary>A bucket that does not hold a whole portion would let in less than its rate.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Burst < TokensPerRefill)
            yield return new ValidationResult(
                $"{nameof(Burst)} is {Burst}, but must be at least {TokensPerRefill}, "
                    + $"a tenth of {nameof(PermitsPerSecond)}."
            );
    }
}
