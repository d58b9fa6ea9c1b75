using System.Net;
using Polly;
using Polly.Timeout;
using Yarp.ReverseProxy.Model;

namespace GoReliable.Gateway.Resilience;

/// <summary>
/// One client's request on its way to a service: which replicas were asked, and whether another may be.
/// </summary>
/// <param name="client">The client's request.</param>
/// <param name="isRepeatable">Whether sending it twice to the service has the same effect as once.</param>
internal sealed class ForwardedRequest(HttpContext client, bool isRepeatable)
{
    // Enough for a lost connection and an overloaded replica. A replica that cannot be reached does not
    // count, as long as there is another. If that is not enough for a service, more requests do not help it.
    private const int MaxRetries = 2;

    private static readonly HttpRequestOptionsKey<ForwardedRequest> OnRequest = new(nameof(ForwardedRequest));
    private static readonly ResiliencePropertyKey<ForwardedRequest> OnContext = new(nameof(ForwardedRequest));

    private readonly IReverseProxyFeature proxy = client.GetReverseProxyFeature();

    // Either way round, so that not one neighbour gets all that another replica does not take.
    private readonly int step = Random.Shared.Next(2) == 0 ? 1 : -1;
    private int replicasAsked;
    private int retries;
    private bool mayStillRun;

    public bool IsRepeatable => isRepeatable;

    public bool ClientIsGone => client.RequestAborted.IsCancellationRequested;

    /// <summary>How many replicas the service has.</summary>
    public int Replicas => proxy.AllDestinations.Count;

    /// <summary>Whether there is a replica that this request was not directed to.</summary>
    public bool HasFreshReplica => replicasAsked < Replicas;

    public static ForwardedRequest Of(HttpRequestMessage request) =>
        request.Options.TryGetValue(OnRequest, out var forward)
            ? forward
            : throw new InvalidOperationException("This request does not come from the proxy.");

    public static ForwardedRequest Of(ResilienceContext context) => context.Properties.GetValue(OnContext, null!);

    public void AttachTo(HttpRequestMessage request) => request.Options.Set(OnRequest, this);

    public void AttachTo(ResilienceContext context) => context.Properties.Set(OnContext, this);

    /// <summary>
    /// Directs the request to a replica: first to the one that load balancing chose, then to the others, then around
    /// again.
    /// </summary>
    public DestinationState DirectToReplica(HttpRequestMessage request)
    {
        var replica = proxy.ProxiedDestination!;
        if (replicasAsked++ == 0)
            return replica;

        var all = proxy.AllDestinations;
        var last = 0;
        while (all[last] != replica)
            last++;
        replica = all[(last + step + all.Count) % all.Count];
        // A failure is logged with this replica.
        proxy.ProxiedDestination = replica;
        var address = new Uri(replica.Model.Config.Address);
        // Path and query as the route's transforms made them.
        request.RequestUri = new UriBuilder(request.RequestUri!)
        {
            Scheme = address.Scheme,
            Host = address.Host,
            Port = address.Port,
        }.Uri;
        return replica;
    }

    /// <summary>The reason to send the request again, or null if it must not or need not be sent again.</summary>
    public string? ReasonToRetry(Outcome<HttpResponseMessage> outcome) =>
        outcome switch
        {
            // The service is still working on an earlier try with this Idempotency-Key. Its result will be the answer,
            // so it is worth waiting for the rest of the time. No other conflict has a Retry-After.
            { Result: { StatusCode: HttpStatusCode.Conflict, Headers.RetryAfter: not null } } when mayStillRun =>
                RetryReason.InFlight,
            // Nothing was sent, so any request may be sent again.
            { Exception: { } exception }
                when Failures.NeverConnected(exception) && (HasFreshReplica || retries < MaxRetries) =>
                RetryReason.Unreachable,
            _ when retries == MaxRetries => null,
            _ when !isRepeatable => null,
            { Exception: TimeoutRejectedException } => RetryReason.Timeout,
            { Exception: HttpRequestException } => RetryReason.BrokenOff,
            { Result: { } answer } when Failures.IsUnavailable(answer) => RetryReason.Unavailable,
            _ => null,
        };

    /// <summary>Notes that the request is sent again.</summary>
    public void NoteRetry(string reason)
    {
        if (reason != RetryReason.InFlight && (reason != RetryReason.Unreachable || !HasFreshReplica))
            retries++;
        mayStillRun |= reason is RetryReason.Timeout or RetryReason.BrokenOff or RetryReason.Unavailable;
    }
}
