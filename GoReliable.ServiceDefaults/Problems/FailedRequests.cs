using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace GoReliable.ServiceDefaults.Problems;

/// <summary>
/// Writes an exception into the span of its request: OpenTelemetry's instrumentation does so only for those that no
/// exception handler answers. That something is away is one line in the log as well, without the stack trace, the same
/// for each request of an outage.
/// </summary>
internal sealed partial class FailedRequests(ILogger<FailedRequests> logger) : IExceptionHandler
{
    // Longer than a restart of the database takes, shorter than people wait.
    private const string RetryAfterSeconds = "5";

    public ValueTask<bool> TryHandleAsync(
        HttpContext httpContext,
        Exception exception,
        CancellationToken cancellationToken
    )
    {
        // A bad request is the client's failure.
        if (exception is not BadHttpRequestException)
            httpContext.Features.Get<IHttpActivityFeature>()?.Activity.AddException(exception);
        var status = ProblemExtensions.StatusCode(exception);
        if (status == StatusCodes.Status503ServiceUnavailable)
            httpContext.Response.Headers.RetryAfter = RetryAfterSeconds;
        if (status is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status504GatewayTimeout)
            LogUnavailable(exception.Message);
        return new(false);
    }

    [LoggerMessage(
        EventName = "request.unavailable",
        Level = LogLevel.Error,
        Message = "A request failed because something it needs is unavailable: {Reason}"
    )]
    private partial void LogUnavailable(string reason);
}
