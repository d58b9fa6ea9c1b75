using System.Globalization;
using System.Security.Claims;
using System.Threading.RateLimiting;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.ServiceDefaults.Limits;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.RateLimiting;

namespace GoReliable.Gateway.Limits;

/// <summary>
/// How much the gateway takes on: the rate of requests per address and per customer, and how many requests it handles
/// at once, of one customer and of all. Health checks and metrics leave the pipeline before these limits, so they are
/// never refused.
/// </summary>
internal sealed class EdgeLimits : IDisposable
{
    private readonly WatchedSection<RateLimit> perAddress;
    private readonly WatchedSection<RateLimit> perCustomer;
    private readonly WatchedSection<LoadShedding> load;
    private readonly PartitionedRateLimiter<HttpContext>[] limiters;
    private readonly Telemetry telemetry;

    /// <exception cref="InvalidSettingException">A setting is not what it must be.</exception>
    public EdgeLimits(IConfiguration configuration, Telemetry telemetry, ILogger<EdgeLimits> logger)
    {
        perAddress = new(
            configuration,
            "RateLimits:PerAddress",
            () => new RateLimit { PermitsPerSecond = 200, Burst = 400 },
            logger
        );
        perCustomer = new(
            configuration,
            "RateLimits:PerCustomer",
            () => new RateLimit { PermitsPerSecond = 50, Burst = 100 },
            logger
        );
        load = new(configuration, "LoadShedding", () => new LoadShedding(), logger);

        PerAddress = Refuse(
            StatusCodes.Status429TooManyRequests,
            "address_rate",
            telemetry,
            PartitionedRateLimiter.Create<HttpContext, AddressKey>(AddressPartition)
        );
        PerCustomer = Refuse(
            StatusCodes.Status429TooManyRequests,
            "customer_rate",
            telemetry,
            PartitionedRateLimiter.Create<HttpContext, CustomerKey>(CustomerPartition)
        );
        CustomerLoad = Refuse(
            StatusCodes.Status429TooManyRequests,
            "customer_load",
            telemetry,
            PartitionedRateLimiter.Create<HttpContext, LoadKey>(CustomerLoadPartition)
        );
        Places = new QueueDeadline(PartitionedRateLimiter.Create<HttpContext, PlaceKey>(PlacePartition), () =>
            load.Current.QueueTimeout
        );
        limiters = [PerAddress.GlobalLimiter!, PerCustomer.GlobalLimiter!, CustomerLoad.GlobalLimiter!, Places];
        this.telemetry = telemetry;
    }

    public RateLimiterOptions PerAddress { get; }

    public RateLimiterOptions PerCustomer { get; }

    public RateLimiterOptions CustomerLoad { get; }

    public PartitionedRateLimiter<HttpContext> Places { get; }

    /// <summary>Answers a request that got no place.</summary>
    public void RefusePlace(HttpContext context, RateLimitLease lease)
    {
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        context.Response.Headers.RetryAfter = RetryAfter(lease);
        telemetry.RequestRejected("load");
    }

    public void Dispose()
    {
        foreach (var limiter in limiters)
            limiter.Dispose();
        perAddress.Dispose();
        perCustomer.Dispose();
        load.Dispose();
    }

    // The settings are part of every key: changed settings begin new buckets, and old buckets are removed when they are
    // idle. An idle bucket is full, so nothing is lost with it.
    private RateLimitPartition<AddressKey> AddressPartition(HttpContext context) =>
        RateLimitPartition.GetTokenBucketLimiter(
            new AddressKey(ClientNetwork.Of(context.Connection.RemoteIpAddress), perAddress.Current),
            key => key.Limit.Bucket()
        );

    // A request without a customer was counted by its address, and authorization turns it away.
    private RateLimitPartition<CustomerKey> CustomerPartition(HttpContext context) =>
        Customer(context) is { Length: > 0 } customer
            ? RateLimitPartition.GetTokenBucketLimiter(new CustomerKey(customer, perCustomer.Current), key =>
                key.Limit.Bucket()
            )
            : RateLimitPartition.GetNoLimiter(new CustomerKey("", perCustomer.Current));

    // The pages of the documentation need no token: there the address stands for the customer.
    private RateLimitPartition<LoadKey> CustomerLoadPartition(HttpContext context) =>
        RateLimitPartition.GetConcurrencyLimiter(
            Customer(context) is { Length: > 0 } customer
                ? new LoadKey(customer, Network: 0, load.Current)
                : new LoadKey("", ClientNetwork.Of(context.Connection.RemoteIpAddress), load.Current),
            key => key.Settings.CustomerLimiter()
        );

    // Requests that need no token have places of their own, so that they cannot take those of customers.
    private RateLimitPartition<PlaceKey> PlacePartition(HttpContext context) =>
        RateLimitPartition.GetConcurrencyLimiter(
            new PlaceKey(context.GetEndpoint()?.Metadata.GetMetadata<IAuthorizeData>() is not null, load.Current),
            key => key.NeedsToken ? key.Settings.Limiter() : key.Settings.DocsLimiter()
        );

    private static string? Customer(HttpContext context) =>
        context.User.FindFirstValue(IdentityExtensions.SubjectClaim);

    private static RateLimiterOptions Refuse(
        int status,
        string reason,
        Telemetry telemetry,
        PartitionedRateLimiter<HttpContext> limiter
    ) =>
        new()
        {
            GlobalLimiter = limiter,
            RejectionStatusCode = status,
            OnRejected = (refused, _) =>
            {
                telemetry.RequestRejected(reason);
                refused.HttpContext.Response.Headers.RetryAfter = RetryAfter(refused.Lease);
                return ValueTask.CompletedTask;
            },
        };

    // The header can only say whole seconds. Too much load may be over in one second.
    private static string RetryAfter(RateLimitLease lease)
    {
        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var known) ? known : TimeSpan.Zero;
        return Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
    }

    private readonly record struct AddressKey(ulong Network, RateLimit Limit);

    private readonly record struct CustomerKey(string Customer, RateLimit Limit);

    private readonly record struct LoadKey(string Customer, ulong Network, LoadShedding Settings);

    private readonly record struct PlaceKey(bool NeedsToken, LoadShedding Settings);
}
