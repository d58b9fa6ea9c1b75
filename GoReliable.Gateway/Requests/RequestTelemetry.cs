using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;

namespace GoReliable.Gateway.Requests;

/// <summary>Counts, times and logs every public request, and tells the client its trace id.</summary>
internal sealed class RequestTelemetry
{
    private const string TraceHeader = "X-Trace-Id";

    private readonly RequestDelegate next;
    private readonly Telemetry telemetry;
    private readonly ILogger<RequestTelemetry> logger;

    public RequestTelemetry(RequestDelegate next, Telemetry telemetry, ILogger<RequestTelemetry> logger)
    {
        (this.next, this.telemetry, this.logger) = (next, telemetry, logger);

        // This object is built with the pipeline. By then the meters have their listeners.
        telemetry.StartAtZero();
    }

    public async Task InvokeAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        // Routing runs first, so the route is known. It is read now, because the exception handler clears the endpoint.
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? Telemetry.UnknownRoute;
        var method = Telemetry.KnownMethod(context.Request.Method);
        context.Response.OnStarting(CompleteHeadersAsync, context);

        telemetry.RequestStarted();
        var failed = true;
        try
        {
            await next(context);
            failed = false;
        }
        finally
        {
            var status = StatusSent(context, failed);
            var took = Stopwatch.GetElapsedTime(started);
            telemetry.RequestEnded(method, route, status, took);
            logger.RequestServed(method, route, status, took.TotalMilliseconds);
        }
    }

    // As late as possible: this replaces a service's header of the same name, and error pages, whose headers are new,
    // get it too.
    private static Task CompleteHeadersAsync(object state)
    {
        var context = (HttpContext)state;
        if (context.Features.Get<IHttpActivityFeature>()?.Activity is { } activity)
            context.Response.Headers[TraceHeader] = activity.TraceId.ToHexString();
        // The client is gone and will not read this answer. The status is set here, so that the span has it as well.
        if (context.RequestAborted.IsCancellationRequested)
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        return Task.CompletedTask;
    }

    private static int StatusSent(HttpContext context, bool failed)
    {
        if (context.Response.HasStarted)
            return context.Response.StatusCode;
        if (context.RequestAborted.IsCancellationRequested)
            return StatusCodes.Status499ClientClosedRequest;
        return failed ? StatusCodes.Status500InternalServerError : context.Response.StatusCode;
    }
}
