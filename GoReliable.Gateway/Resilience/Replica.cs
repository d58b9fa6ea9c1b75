using System.Diagnostics;
using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;

namespace GoReliable.Gateway.Resilience;

/// <summary>
/// One replica of a service, with a circuit breaker: as long as most requests to it fail, it is left out, but for one
/// request every two seconds that finds out whether it is back. With all of them left out, the service has time to recover.
/// </summary>
internal sealed class Replica
{
    // Of at least twenty tries in ten seconds: a lost connection is no outage.
    private const double FailureRatio = 0.5;
    private const int MinimumTries = 20;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    // Short: who comes back is wanted at once, and one probe costs little.
    private static readonly TimeSpan Break = TimeSpan.FromSeconds(2);

    // Longer than a service that stops goes on answering (Shutdown:ReadinessDelay, 5 s).
    private static readonly TimeSpan Leave = TimeSpan.FromSeconds(10);

    private readonly ResiliencePipeline<HttpResponseMessage> pipeline;
    private bool isOut;
    private long leavesSince;

    public Replica(string service, string address, Timeouts timeouts, ILogger logger) => pipeline = new ResiliencePipelineBuilder<HttpResponseMessage>()
        .AddCircuitBreaker(new CircuitBreakerStrategyOptions<HttpResponseMessage>
        {
            FailureRatio = FailureRatio,
            MinimumThroughput = MinimumTries,
            SamplingDuration = Window,
            BreakDuration = Break,
            ShouldHandle = args => ValueTask.FromResult(Failures.IsReplicas(args.Outcome, Forward.Of(args.Context))),
            OnOpened = _ =>
            {
                // Again after each probe that failed; said once.
                if (!isOut)
                    logger.ReplicaLeftOut(service, address);
                isOut = true;
                return ValueTask.CompletedTask;
            },
            OnClosed = _ =>
            {
                logger.ReplicaIsBack(service, address);
                isOut = false;
                return ValueTask.CompletedTask;
            },
        })
        .AddTimeout(new TimeoutStrategyOptions
        {
            // A request that is tried only once may take all of the time; the total time-out ends it.
            TimeoutGenerator = args => ValueTask.FromResult(Forward.Of(args.Context).IsRepeatable ? timeouts.TryTimeout : Timeout.InfiniteTimeSpan),
        })
        .Build();

    /// <summary>
    /// Whether it is about to stop: its last answer ended the connection. Whoever connects at the moment when it stops to
    /// listen is accepted by the operating system and by nobody else, so a request sent then is lost.
    /// </summary>
    public bool IsLeaving => Volatile.Read(ref leavesSince) is var since && since != 0 && Stopwatch.GetElapsedTime(since) < Leave;

    public void Heard(HttpResponseMessage answer)
    {
        if (answer.Headers.ConnectionClose == true)
            Volatile.Write(ref leavesSince, Stopwatch.GetTimestamp());
    }

    public ValueTask<Outcome<HttpResponseMessage>> TryAsync(
        Func<ResilienceContext, HttpRequestMessage, ValueTask<Outcome<HttpResponseMessage>>> send, ResilienceContext context, HttpRequestMessage request) =>
        pipeline.ExecuteOutcomeAsync(send, context, request);
}
