using GoReliable.Gateway.Resilience;
using Polly.CircuitBreaker;
using Yarp.ReverseProxy.Forwarder;

namespace GoReliable.Gateway.Routing;

/// <summary>
/// Logs once why a destination did not answer, without the stack trace, which would fill the disk while a service is
/// away. The answer is 503 if its last try reached no service, so that it may be sent again. It is 502 if the
/// answer broke off and 504 if it took too long; then it is unknown what was done.
/// </summary>
internal sealed class ForwardFailures(RequestDelegate next, ILogger<ForwardFailures> logger)
{
    // By then, service discovery or a restart may have brought a replica.
    private const string RetryAfterSeconds = "5";

    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);

        if (context.GetForwarderErrorFeature() is not { } failure)
            return;
        if (IsClientFailure(failure.Error))
            return;

        // That a replica is left out was logged when it began.
        if (failure.Exception is not BrokenCircuitException)
        {
            var proxy = context.GetReverseProxyFeature();
            logger.ForwardFailed(
                proxy.Route.Config.Match.Path!,
                proxy.Cluster.Config.ClusterId,
                proxy.ProxiedDestination?.DestinationId ?? "none",
                failure.Error,
                Reason(failure)
            );
        }

        if (ReachedNoService(failure) && !context.Response.HasStarted)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = RetryAfterSeconds;
        }
    }

    private static bool ReachedNoService(IForwarderErrorFeature failure) =>
        failure is { Error: ForwarderError.NoAvailableDestinations } or { Exception: BrokenCircuitException }
        || (failure.Exception is { } exception && Failures.NeverConnected(exception));

    private static string Reason(IForwarderErrorFeature failure) =>
        failure switch
        {
            { Error: ForwarderError.NoAvailableDestinations } => "no destination is known",
            // The exception would only tell how the cancellation looked from inside.
            { Error: ForwarderError.RequestTimedOut } => "no answer in time",
            _ => failure.Exception?.GetBaseException().Message ?? "no reason given",
        };

    // The client went away, which is not a failure of ours. WholeBody has already made sure that the body is complete.
    private static bool IsClientFailure(ForwarderError error) =>
        error
            is ForwarderError.RequestCanceled
                or ForwarderError.RequestBodyCanceled
                or ForwarderError.ResponseBodyCanceled
                or ForwarderError.RequestBodyClient
                or ForwarderError.ResponseBodyClient;
}
