using System.Runtime.CompilerServices;
using GoReliable.Gateway.Requests;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;
using Yarp.ReverseProxy.Model;

namespace GoReliable.Gateway.Resilience;

/// <summary>
/// Below YARP and above the connections to one service: sends a request, and again where that is safe, to another replica
/// if there is one. To YARP it is one request, with one outcome and one time-out for all of it.
/// </summary>
internal sealed class ResilienceHandler : DelegatingHandler
{
    private readonly string service;
    private readonly Timeouts timeouts;
    private readonly ILogger logger;
    private readonly ResiliencePipeline<HttpResponseMessage> retries;

    // A replica is forgotten when service discovery has.
    private readonly ConditionalWeakTable<DestinationState, Replica> replicas = [];

    public ResilienceHandler(string service, Timeouts timeouts, Telemetry telemetry, ILogger<ResilienceHandler> logger)
    {
        (this.service, this.timeouts, this.logger) = (service, timeouts, logger);
        retries = new ResiliencePipelineBuilder<HttpResponseMessage>().AddRetry(new RetryStrategyOptions<HttpResponseMessage>
        {
            // Forward counts: not every retry is one too many.
            MaxRetryAttempts = int.MaxValue,
            ShouldHandle = args => ValueTask.FromResult(Forward.Of(args.Context).ReasonToRetry(args.Outcome) is not null),
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(50),
            MaxDelay = TimeSpan.FromSeconds(1),
            UseJitter = true,
            // Somebody who has not been asked need not be waited for, unless all of them may be overloaded.
            DelayGenerator = args => ValueTask.FromResult<TimeSpan?>(
                Forward.Of(args.Context) is { HasFreshReplica: true } forward && forward.ReasonToRetry(args.Outcome) == Retry.Unreachable ? TimeSpan.Zero : null),
            OnRetry = args =>
            {
                var forward = Forward.Of(args.Context);
                var reason = forward.ReasonToRetry(args.Outcome)!;
                telemetry.Retried(service, reason);
                forward.Retrying(reason);
                return ValueTask.CompletedTask;
            },
        }).Build();
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var forward = Forward.Of(request);
        // What may be sent twice must be kept; and what has no length may turn out too long, which the service need not see.
        // What the client sends too slowly, YARP blames on the client as ever.
        if (request.Content is { } body && (forward.IsRepeatable || body.Headers.ContentLength is null))
            await body.LoadIntoBufferAsync(RequestLimits.BodyBytes, cancellationToken);
        // When a kept connection closes, .NET sends a request again by itself, a POST too, unless it has a body.
        if (!forward.IsRepeatable)
            request.Content ??= new ByteArrayContent([]);

        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        try
        {
            forward.AttachTo(context);
            var outcome = await retries.ExecuteOutcomeAsync(TryAsync, context, request);
            // In the form that YARP knows.
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

    // Passes over replicas that are left out or about to stop, as long as there is another.
    private async ValueTask<Outcome<HttpResponseMessage>> TryAsync(ResilienceContext context, HttpRequestMessage request)
    {
        var forward = Forward.Of(context);
        while (true)
        {
            var replica = replicas.GetValue(forward.Direct(request), found => new Replica(service, found.DestinationId, timeouts, logger));
            if (replica.IsLeaving && forward.HasFreshReplica)
                continue;
            var outcome = await replica.TryAsync(SendOnceAsync, context, request);
            if (outcome.Result is { } answer)
                replica.Heard(answer);
            if (outcome.Exception is not BrokenCircuitException || !forward.HasFreshReplica)
                return outcome;
        }
    }

    private async ValueTask<Outcome<HttpResponseMessage>> SendOnceAsync(ResilienceContext context, HttpRequestMessage request)
    {
        try
        {
            return Outcome.FromResult(await base.SendAsync(request, context.CancellationToken));
        }
        // The connection's own time-out. It has no error code, although nothing was sent.
        catch (OperationCanceledException exception) when (exception.InnerException is TimeoutException && !context.CancellationToken.IsCancellationRequested)
        {
            return Outcome.FromException<HttpResponseMessage>(new HttpRequestException(HttpRequestError.ConnectionError, exception.Message, exception));
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            return Outcome.FromException<HttpResponseMessage>(exception);
        }
    }
}
