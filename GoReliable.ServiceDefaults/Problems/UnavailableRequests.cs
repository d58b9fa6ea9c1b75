using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace GoReliable.ServiceDefaults.Problems;

/// <summary>
/// Says in one line that a request failed because something it needs is away; the stack trace, the same for each
/// request of an outage, is in the span.
/// </summary>
internal sealed partial class UnavailableRequests(ILogger<UnavailableRequests> logger) : IExceptionHandler
{
    // Longer than a restart of the database takes, shorter than people wait.
    private const string RetryAfterSeconds = "5";

    public ValueTask<bool> TryHandleAsync(
        HttpContext httpContext,
        Exception exception,
        CancellationToken cancellationToken
    )
    {
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
