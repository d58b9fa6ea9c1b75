using System.Diagnostics;
using System.Net;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace GoReliable.Gateway.Resilience;

/// <summary>
/// One replica of a service, with a circuit breaker. As long as at least half of the requests to it fail, it is left
/// out, except for one request at a time, at most one every two seconds, that finds out whether it is back. If all
/// replicas are left out, the service has time to recover.
/// </summary>
internal sealed class Replica
{
    // Half of at least twenty tries in ten seconds: a lost connection is no outage.
    private const double FailureRatio = 0.5;
    private const int MinimumTries = 20;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    // Short: a replica that is back should be used at once, and one probe costs little.
    private static readonly TimeSpan Break = TimeSpan.FromSeconds(2);

    // Longer than a stopping service goes on answering (Shutdown:ReadinessDelay, 5 s).
    private static readonly TimeSpan LeavingTime = TimeSpan.FromSeconds(10);

    private readonly ResiliencePipeline<HttpResponseMessage> pipeline;
    private volatile bool isLeftOut;
    private long leavingSince;

    public Replica(string service, string address, Timeouts timeouts, ILogger logger) =>
        pipeline = new ResiliencePipelineBuilder<HttpResponseMessage>()
            .AddCircuitBreaker(
                new CircuitBreakerStrategyOptions<HttpResponseMessage>
                {
                    FailureRatio = FailureRatio,
                    MinimumThroughput = MinimumTries,
                    SamplingDuration = Window,
                    BreakDuration = Break,
                    // Polly closes the circuit after any probe that does not count as a failure. While a replica is
                    // left out, every exception counts, also a refused connection or a client that went away.
                    ShouldHandle = args =>
                        ValueTask.FromResult(
                            (isLeftOut && args.Outcome.Exception is not null)
                                || Failures.CountsAgainstReplica(args.Outcome, ForwardedRequest.Of(args.Context))
                        ),
                    OnOpened = _ =>
                    {
                        // Called again after each failed probe, but logged once.
                        if (!isLeftOut)
                            logger.ReplicaLeftOut(service, address);
                        isLeftOut = true;
                        return ValueTask.CompletedTask;
                    },
                    OnClosed = _ =>
                    {
                        logger.ReplicaIsBack(service, address);
                        isLeftOut = false;
                        return ValueTask.CompletedTask;
                    },
                }
            )
            .AddTimeout(
                new TimeoutStrategyOptions
                {
                    // A request that is tried only once may take all of the time; the total time-out ends it.
                    TimeoutGenerator = args =>
                        ValueTask.FromResult(
                            ForwardedRequest.Of(args.Context).IsRepeatable
                                ? timeouts.TryTimeout
                                : Timeout.InfiniteTimeSpan
                        ),
                }
            )
            .Build();

    /// <summary>
    /// Whether the replica is about to stop: one of its recent answers closed the connection. A connection made just
    /// when the service stops listening is accepted by the operating system but not by the service, so a request sent
    /// on it is lost.
    /// </summary>
    public bool IsLeaving =>
        Volatile.Read(ref leavingSince) is var since && since != 0 && Stopwatch.GetElapsedTime(since) < LeavingTime;

    public void NoteAnswer(HttpResponseMessage answer)
    {
        // After these, a service closes the connection because of what the client sent.
        var isRefusal =
            answer.StatusCode
            is HttpStatusCode.BadRequest
                or HttpStatusCode.RequestTimeout
                or HttpStatusCode.RequestEntityTooLarge
                or HttpStatusCode.RequestUriTooLong
                or HttpStatusCode.RequestHeaderFieldsTooLarge;
        if (answer.Headers.ConnectionClose == true && !isRefusal)
            Volatile.Write(ref leavingSince, Stopwatch.GetTimestamp());
    }

    public ValueTask<Outcome<HttpResponseMessage>> TryAsync(
        Func<ResilienceContext, HttpRequestMessage, ValueTask<Outcome<HttpResponseMessage>>> send,
        ResilienceContext context,
        HttpRequestMessage request
    ) => pipeline.ExecuteOutcomeAsync(send, context, request);
}
