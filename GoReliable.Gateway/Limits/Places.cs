using System.Threading.RateLimiting;

namespace GoReliable.Gateway.Limits;

/// <summary>
/// A request has a place from the end of its body to the beginning of its answer: while a service works on it, and not
/// while its client sends or reads. ASP.NET's middleware would keep the place until the end of the answer.
/// </summary>
internal static class Places
{
    public static void UsePlaces(
        this IApplicationBuilder app,
        PartitionedRateLimiter<HttpContext> places,
        Action<HttpContext, RateLimitLease> refuse
    ) =>
        app.Use(
            async (context, next) =>
            {
                // Asked to wait only when there is no room at once.
                var place = places.AttemptAcquire(context);
                try
                {
                    if (!place.IsAcquired)
                        place = await places.AcquireAsync(context, permitCount: 1, context.RequestAborted);
                }
                catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
                {
                    return;
                }
                using (place)
                {
                    if (!place.IsAcquired)
                    {
                        refuse(context, place);
                        return;
                    }
                    context.Response.OnStarting(Leave, place);
                    await next(context);
                }
            }
        );

    // The `using` above also disposes of the place at the end of the request, in case there was no answer. Doing it
    // twice changes nothing.
    private static Task Leave(object place)
    {
        ((RateLimitLease)place).Dispose();
        return Task.CompletedTask;
    }
}
