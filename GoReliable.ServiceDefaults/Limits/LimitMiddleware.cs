using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace GoReliable.ServiceDefaults.Limits;

/// <summary>
/// Lets a request through when it gets a permit. ASP.NET's middleware waits for a permit as long as the client waits,
/// holds it to the end of the response, and adds a limiter per use, whose timer wakes the service ten times a second.
/// </summary>
public static class LimitMiddleware
{
    /// <param name="app">The pipeline.</param>
    /// <param name="limiter">Grants the permits.</param>
    /// <param name="refuse">Answers a request that got no permit.</param>
    /// <param name="maxWait">How long a request may wait for a permit; null: it does not wait.</param>
    /// <param name="releaseWhenAnswerStarts">Whether the permit is free again then, not when the answer ends.</param>
    public static void UseLimit(
        this IApplicationBuilder app,
        PartitionedRateLimiter<HttpContext> limiter,
        Func<HttpContext, RateLimitLease, ValueTask> refuse,
        Func<TimeSpan>? maxWait = null,
        bool releaseWhenAnswerStarts = false
    ) =>
        app.Use(
            async (context, next) =>
            {
                var lease = limiter.AttemptAcquire(context);
                try
                {
                    if (!lease.IsAcquired && maxWait is not null)
                        lease = await WaitAsync(limiter, context, maxWait());
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
                    // `using` disposes of the lease again, which has no effect. It is needed if no response is started.
                    if (releaseWhenAnswerStarts)
                        context.Response.OnStarting(Release, lease);
                    await next(context);
                }
            }
        );

    private static Task Release(object lease)
    {
        ((RateLimitLease)lease).Dispose();
        return Task.CompletedTask;
    }

    private static async ValueTask<RateLimitLease> WaitAsync(
        PartitionedRateLimiter<HttpContext> limiter,
        HttpContext context,
        TimeSpan maxWait
    )
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var lease = limiter.AcquireAsync(context, permitCount: 1, waiting.Token);
        // A full queue refuses at once. Only a request that really waits gets a timer.
        if (!lease.IsCompleted)
            waiting.CancelAfter(maxWait);
        try
        {
            return await lease;
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            // Time is up; take a permit that was freed just now.
            return limiter.AttemptAcquire(context);
        }
    }
}
