using System.Globalization;
using System.Security.Claims;
using System.Threading.RateLimiting;
using GoReliable.ServiceDefaults.Configuration;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Authorization;

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

    // One limiter for all: every PartitionedRateLimiter wakes the process ten times a second.
    private readonly PartitionedRateLimiter<LimitedRequest> limiter;
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

        limiter = PartitionedRateLimiter.Create<LimitedRequest, Key>(request =>
            request.Limit switch
            {
                Limit.AddressRate => AddressRate(request.Context),
                Limit.CustomerRate => CustomerRate(request.Context),
                Limit.CustomerLoad => CustomerLoad(request.Context),
                _ => Load(request.Context),
            }
        );
        this.telemetry = telemetry;
    }

    /// <summary>How long a request waits for others to end (<see cref="Limit.Load"/>).</summary>
    public TimeSpan QueueTimeout => load.Current.QueueTimeout;

    /// <summary>One of the limits.</summary>
    public PartitionedRateLimiter<HttpContext> Of(Limit limit) =>
        limiter.WithTranslatedKey<HttpContext>(context => new(context, limit), leaveOpen: true);

    /// <summary>Answers a request that a limit refused.</summary>
    public ValueTask RefuseAsync(HttpContext context, RateLimitLease lease, Limit limit)
    {
        context.Response.StatusCode =
            limit == Limit.Load ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status429TooManyRequests;
        context.Response.Headers.RetryAfter = RetryAfter(lease);
        telemetry.RequestRejected(limit);
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        limiter.Dispose();
        perAddress.Dispose();
        perCustomer.Dispose();
        load.Dispose();
    }

    // The settings are part of every key: changed settings begin new buckets, and old buckets are removed when they are
    // idle. An idle bucket is full, so nothing is lost with it.
    private RateLimitPartition<Key> AddressRate(HttpContext context) =>
        Bucket(new(Limit.AddressRate, perAddress.Current) { Network = Network(context) });

    // A request without a customer was counted by its address, and authorization turns it away.
    private RateLimitPartition<Key> CustomerRate(HttpContext context) =>
        Customer(context) is { Length: > 0 } customer
            ? Bucket(new(Limit.CustomerRate, perCustomer.Current) { Customer = customer })
            : RateLimitPartition.GetNoLimiter(new Key(Limit.CustomerRate, perCustomer.Current));

    private static RateLimitPartition<Key> Bucket(Key key) =>
        RateLimitPartition.Get(key, static key => new TokenBucketRateLimiter(((RateLimit)key.Settings).Bucket()));

    // The pages of the documentation need no token: there the address stands for the customer.
    private RateLimitPartition<Key> CustomerLoad(HttpContext context)
    {
        var key = Customer(context) is { Length: > 0 } customer
            ? new Key(Limit.CustomerLoad, load.Current) { Customer = customer }
            : new Key(Limit.CustomerLoad, load.Current) { Network = Network(context) };
        return RateLimitPartition.Get(key, static key => new ConcurrencyLimiter(
            ((LoadShedding)key.Settings).CustomerLimiter()
        ));
    }

    // Requests that need no token have places of their own, so that they cannot take those of customers.
    private RateLimitPartition<Key> Load(HttpContext context)
    {
        var needsToken = context.GetEndpoint()?.Metadata.GetMetadata<IAuthorizeData>() is not null;
        return RateLimitPartition.Get(
            new Key(Limit.Load, load.Current) { NeedsToken = needsToken },
            static key => new ConcurrencyLimiter(((LoadShedding)key.Settings).Limiter(key.NeedsToken))
        );
    }

    private static ulong Network(HttpContext context) => ClientNetwork.Of(context.Connection.RemoteIpAddress);

    private static string? Customer(HttpContext context) =>
        context.User.FindFirstValue(IdentityExtensions.SubjectClaim);

    // The header can only say whole seconds. Too much load may be over in one second.
    private static string RetryAfter(RateLimitLease lease)
    {
        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var known) ? known : TimeSpan.Zero;
        return Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
    }

    private readonly record struct LimitedRequest(HttpContext Context, Limit Limit);

    private readonly record struct Key(Limit Limit, object Settings)
    {
        public string? Customer { get; init; }

        public ulong Network { get; init; }

        public bool NeedsToken { get; init; }

        // Without the settings: there are few, and hashing all of their values for each request is slow.
        public override int GetHashCode() => HashCode.Combine(Limit, Customer, Network);
    }
}
