using System.Runtime.CompilerServices;
using GoReliable.Gateway.Requests;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;
using Yarp.ReverseProxy.Model;

namespace GoReliable.Gateway.Resilience;

/// <summary>
/// Sits between YARP and the connections to one service. Sends a request, and sends it again where that is safe, to
/// another replica if there is one. YARP sees one request, with one outcome and one time-out for all tries.
/// </summary>
internal sealed class ResilienceHandler : DelegatingHandler
{
    private readonly ResiliencePipeline<HttpResponseMessage> retries;

    // A replica is forgotten when service discovery forgets it.
    private readonly ConditionalWeakTable<DestinationState, Replica> replicas = [];

    // Made once, and not for each request.
    private readonly Func<ResilienceContext, HttpRequestMessage, ValueTask<Outcome<HttpResponseMessage>>> tryReplicas;
    private readonly Func<ResilienceContext, HttpRequestMessage, ValueTask<Outcome<HttpResponseMessage>>> sendOnce;
    private readonly ConditionalWeakTable<DestinationState, Replica>.CreateValueCallback newReplica;

    public ResilienceHandler(string service, Timeouts timeouts, Telemetry telemetry, ILogger<ResilienceHandler> logger)
    {
        (tryReplicas, sendOnce) = (TryReplicasAsync, SendOnceAsync);
        newReplica = found => new Replica(service, found.DestinationId, timeouts, logger);
        retries = new ResiliencePipelineBuilder<HttpResponseMessage>()
            .AddRetry(
                new RetryStrategyOptions<HttpResponseMessage>
                {
                    // ForwardedRequest counts the retries, because some of them are not limited.
                    MaxRetryAttempts = int.MaxValue,
                    ShouldHandle = args =>
                        ValueTask.FromResult(ForwardedRequest.Of(args.Context).ReasonToRetry(args.Outcome) is not null),
                    BackoffType = DelayBackoffType.Exponential,
                    Delay = TimeSpan.FromMilliseconds(50),
                    MaxDelay = TimeSpan.FromSeconds(1),
                    UseJitter = true,
                    // No wait before a replica that has not been asked yet, if the last one was unreachable. After any
                    // other failure all of them may be overloaded.
                    DelayGenerator = args =>
                        ValueTask.FromResult<TimeSpan?>(
                            ForwardedRequest.Of(args.Context) is { HasFreshReplica: true } forward
                            && forward.ReasonToRetry(args.Outcome) == RetryReason.Unreachable
                                ? TimeSpan.Zero
                                : null
                        ),
                    OnRetry = args =>
                    {
                        var forward = ForwardedRequest.Of(args.Context);
                        var reason = forward.ReasonToRetry(args.Outcome)!;
                        telemetry.Retried(service, reason);
                        forward.NoteRetry(reason);
                        return ValueTask.CompletedTask;
                    },
                }
            )
            .Build();
    }

    protected override async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request,
        CancellationToken cancellationToken
    )
    {
        var forward = ForwardedRequest.Of(request);
        // A body that may be sent twice must be kept. All of it has arrived, and it is not too large.
        if (request.Content is { } body && forward.IsRepeatable)
            await body.LoadIntoBufferAsync(RequestLimits.BodyBytes, cancellationToken);
        // When a pooled connection closes, .NET sends a request again by itself, even a POST, unless it has a body.
        if (!forward.IsRepeatable)
            request.Content ??= new ByteArrayContent([]);

        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        try
        {
            forward.AttachTo(context);
            var outcome = await retries.ExecuteOutcomeAsync(tryReplicas, context, request);
            // YARP recognises a time-out by this exception.
            if (outcome.Exception is TimeoutRejectedException late)
                throw new TaskCanceledException(late.Message, late);
            outcome.ThrowIfException();
            return outcome.Result!;
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    // Passes over replicas that are left out, as long as this try has not met all of them, and over those about to
    // stop, as long as there is one that this request has not met.
    private async ValueTask<Outcome<HttpResponseMessage>> TryReplicasAsync(
        ResilienceContext context,
        HttpRequestMessage request
    )
    {
        var forward = ForwardedRequest.Of(context);
        var leftOut = 0;
        while (true)
        {
            var replica = replicas.GetValue(forward.DirectToReplica(request), newReplica);
            if (replica.IsLeaving && forward.HasFreshReplica)
                continue;
            var outcome = await replica.TryAsync(sendOnce, context, request);
            if (outcome.Result is { } answer)
                replica.NoteAnswer(answer);
            if (outcome.Exception is not BrokenCircuitException || ++leftOut >= forward.Replicas)
                return outcome;
        }
    }

    private async ValueTask<Outcome<HttpResponseMessage>> SendOnceAsync(
        ResilienceContext context,
        HttpRequestMessage request
    )
    {
        try
        {
            return Outcome.FromResult(await base.SendAsync(request, context.CancellationToken));
        }
        // The time-out of connecting. .NET gives it no error code, although nothing was sent.
        catch (OperationCanceledException exception)
            when (exception.InnerException is TimeoutException && !context.CancellationToken.IsCancellationRequested)
        {
            return Outcome.FromException<HttpResponseMessage>(
                new HttpRequestException(HttpRequestError.ConnectionError, exception.Message, exception)
            );
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            return Outcome.FromException<HttpResponseMessage>(exception);
        }
    }
}
