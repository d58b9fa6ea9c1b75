using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace GoReliable.ServiceDefaults.Limits;

/// <summary>
/// Lets requests in while a limiter has room. ASP.NET's middleware waits for room as long as the client does, keeps it
/// to the end of the answer, and has a limiter more for each use, whose timer wakes the service ten times a second.
/// </summary>
public static class LimitMiddleware
{
    /// <param name="app">The pipeline.</param>
    /// <param name="limiter">Has room or not.</param>
    /// <param name="refuse">Answers a request that found no room.</param>
    /// <param name="longest">How long a request that finds no room now may wait; without it, not at all.</param>
    /// <param name="untilAnswer">Whether there is room again when the answer begins, and not only after its end.</param>
    public static void UseLimit(
        this IApplicationBuilder app,
        PartitionedRateLimiter<HttpContext> limiter,
        Func<HttpContext, RateLimitLease, ValueTask> refuse,
        Func<TimeSpan>? longest = null,
        bool untilAnswer = false
    ) =>
        app.Use(
            async (context, next) =>
            {
                var lease = limiter.AttemptAcquire(context);
                try
                {
                    if (!lease.IsAcquired && longest is not null)
                        lease = await WaitAsync(limiter, context, longest());
                }
                catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
                {
                    return;
                }
                using (lease)
                {
                    if (!lease.IsAcquired)
                    {
                        await refuse(context, lease);
                        return;
                    }
                    // The `using` ends it once more, also where there was no answer: that changes nothing.
                    if (untilAnswer)
                        context.Response.OnStarting(End, lease);
                    await next(context);
                }
            }
        );

    private static Task End(object lease)
    {
        ((RateLimitLease)lease).Dispose();
        return Task.CompletedTask;
    }

    private static async ValueTask<RateLimitLease> WaitAsync(
        PartitionedRateLimiter<HttpContext> limiter,
        HttpContext context,
        TimeSpan longest
    )
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var lease = limiter.AcquireAsync(context, permitCount: 1, waiting.Token);
        // Where the queue is full too, it is refused already: that must cost little.
        if (!lease.IsCompleted)
            waiting.CancelAfter(longest);
        try
        {
            return await lease;
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            // No more waiting. The request still gets room that has become free just now.
            return limiter.AttemptAcquire(context);
        }
    }
}
