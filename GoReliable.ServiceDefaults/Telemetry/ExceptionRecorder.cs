using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace GoReliable.ServiceDefaults.Telemetry;

/// <summary>
/// Writes an exception into the span of its request. OpenTelemetry's instrumentation does so only for those that no
/// exception handler answers.
/// </summary>
internal sealed class ExceptionRecorder : IExceptionHandler
{
    public ValueTask<bool> TryHandleAsync(
        HttpContext httpContext,
        Exception exception,
        CancellationToken cancellationToken
    )
    {
        // A bad request is the client's failure.
        if (exception is not BadHttpRequestException)
            httpContext.Features.Get<IHttpActivityFeature>()?.Activity.AddException(exception);
        return new(false);
    }
}
