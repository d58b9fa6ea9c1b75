using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;

namespace GoReliable.ServiceDefaults.Limits;

/// <summary>
/// Gives up waiting for a limiter after a while. ASP.NET's middleware waits as long as the client does, and asks to
/// wait only when there is no room at once: a request that finds room costs nothing more here.
/// </summary>
/// <param name="limiter">The limiter, which has a queue.</param>
/// <param name="longest">How long a request that begins to wait now may wait.</param>
public sealed class QueueDeadline(PartitionedRateLimiter<HttpContext> limiter, Func<TimeSpan> longest)
    : PartitionedRateLimiter<HttpContext>
{
    /// <inheritdoc/>
    public override RateLimiterStatistics? GetStatistics(HttpContext resource) => limiter.GetStatistics(resource);

    /// <inheritdoc/>
    protected override RateLimitLease AttemptAcquireCore(HttpContext resource, int permitCount) =>
        limiter.AttemptAcquire(resource, permitCount);

    /// <inheritdoc/>
    protected override async ValueTask<RateLimitLease> AcquireAsyncCore(
        HttpContext resource,
        int permitCount,
        CancellationToken cancellationToken
    )
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var place = limiter.AcquireAsync(resource, permitCount, waiting.Token);
        if (!place.IsCompleted)
            waiting.CancelAfter(longest());
        try
        {
            return await place;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // No more waiting. The request still gets a lease if a place has become free just now.
            return limiter.AttemptAcquire(resource, permitCount);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            limiter.Dispose();
        base.Dispose(disposing);
    }
}
