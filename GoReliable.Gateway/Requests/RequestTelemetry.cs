using System.Diagnostics;
using Microsoft.AspNetCore.Http.Features;

namespace GoReliable.Gateway.Requests;

/// <summary>Counts, times and logs every public request, and names its trace to the client.</summary>
internal sealed class RequestTelemetry
{
    private const string TraceHeader = "X-Trace-Id";

    private readonly RequestDelegate next;
    private readonly Telemetry telemetry;
    private readonly ILogger<RequestTelemetry> logger;

    public RequestTelemetry(RequestDelegate next, Telemetry telemetry, ILogger<RequestTelemetry> logger)
    {
        (this.next, this.telemetry, this.logger) = (next, telemetry, logger);

        // Built with the pipeline, when the meters are listened to already.
        telemetry.StartAtZero();
    }

    public async Task InvokeAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        // Known already, since routing runs first; and read now, because the exception handler forgets the endpoint.
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

    // As late as possible: a destination's header of this name is replaced, and an error page's fresh headers are covered.
    private static Task CompleteHeadersAsync(object state)
    {
        var context = (HttpContext)state;
        if (context.Features.Get<IHttpActivityFeature>()?.Activity is { } activity)
            context.Response.Headers[TraceHeader] = activity.TraceId.ToHexString();
        // Nobody will read this answer. Said here, where spans see it as well.
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
