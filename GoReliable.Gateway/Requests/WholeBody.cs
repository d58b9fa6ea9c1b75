using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Model;

namespace GoReliable.Gateway.Requests;

/// <summary>
/// Waits until the whole body has arrived, before the request takes a place among those that are forwarded. So a client
/// that sends slowly costs other clients nothing. The body stays in Kestrel's own buffer, which is larger than the
/// largest body.
/// </summary>
internal static class WholeBody
{
    public static void UseWholeBody(this IApplicationBuilder app) =>
        app.Use(
            (context, next) =>
                // Without a route the request is answered at once: nobody reads its body.
                context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>()
                    is not null
                && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true }
                    ? ForwardWholeAsync(context, next)
                    : next(context)
        );

    private static async Task ForwardWholeAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await WaitAsync(context);
        }
        catch (BadHttpRequestException refused)
        {
            // Too large, too slow, malformed: Kestrel's status says which, and it ends the connection.
            context.Response.StatusCode = refused.StatusCode;
            if (HttpProtocol.IsHttp11(context.Request.Protocol))
                context.Response.Headers.Connection = "close";
            return;
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return;
        }
        await next(context);
    }

    private static async Task WaitAsync(HttpContext context)
    {
        var body = context.Request.BodyReader;
        while (true)
        {
            var read = await body.ReadAsync(context.RequestAborted);
            if (read.IsCompleted)
            {
                // Nothing is consumed: the body is read again when it is forwarded.
                body.AdvanceTo(read.Buffer.Start);
                return;
            }
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
