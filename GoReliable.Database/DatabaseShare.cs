using System.Globalization;
using System.Security.Claims;
using System.Threading.RateLimiting;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.ServiceDefaults.Limits;
using GoReliable.ServiceDefaults.Problems;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace GoReliable.Database;

/// <summary>
/// How many requests of one customer may be in the database at once: a quarter of the number of connections, so that
/// even three customers who ask for too much leave room for the others. Further requests wait in turn; one that has
/// waited for a second is answered with 429.
/// </summary>
public static class DatabaseShare
{
    // A few requests of one customer keep a database as busy as many.
    private const int SharesOfPool = 4;

    // Waiting costs little. This is more than the gateway lets in of one customer.
    private const int MaxWaiting = 256;

    private const int RetryAfterSeconds = 1;

    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(1);

    /// <summary>After authorization: what comes later uses the database.</summary>
    public static void UseDatabaseShare(this WebApplication app)
    {
        var pool = new NpgsqlConnectionStringBuilder(
            app.Services.GetRequiredService<NpgsqlDataSource>().ConnectionString
        ).MaxPoolSize;
        var share = new ConcurrencyLimiterOptions
        {
            PermitLimit = Math.Max(1, pool / SharesOfPool),
            QueueLimit = MaxWaiting,
            QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
        };
        var limiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
            context.User.FindFirstValue(IdentityExtensions.SubjectClaim) is { Length: > 0 } customer
                ? RateLimitPartition.GetConcurrencyLimiter(customer, _ => share)
                : RateLimitPartition.GetNoLimiter("")
        );
        app.Lifetime.ApplicationStopped.Register(limiter.Dispose);
        app.UseLimit(limiter, (context, _) => RefuseAsync(context, share.PermitLimit), () => MaxWait);
    }

    private static ValueTask RefuseAsync(HttpContext context, int share) =>
        context.WriteProblemAsync(
            StatusCodes.Status429TooManyRequests,
            string.Create(
                CultureInfo.InvariantCulture,
                $"At most {share} requests of one customer are processed at once, "
                    + $"and this one has waited too long. Send it again later, and fewer at once."
            ),
            RetryAfterSeconds
        );
}
