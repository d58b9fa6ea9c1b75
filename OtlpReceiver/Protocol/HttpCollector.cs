using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace OtlpReceiver.Protocol;

/// <summary>OTLP over HTTP with protobuf bodies: https://opentelemetry.io/docs/specs/otlp/#otlphttp</summary>
internal static class HttpCollector
{
    public static void MapHttpCollector(this IEndpointRouteBuilder routes, Intake intake)
    {
        routes.MapPost("/v1/traces", context => TakeAsync(context, intake.Traces));
        routes.MapPost("/v1/logs", context => TakeAsync(context, intake.Logs));
        routes.MapPost("/v1/metrics", context => TakeAsync(context, intake.Metrics));
    }

    private static async Task TakeAsync(HttpContext context, Action<byte[]> keep)
    {
        var payload = new MemoryStream();
        await context.Request.Body.CopyToAsync(payload, context.RequestAborted);
        keep(payload.ToArray());
        context.Response.ContentType = "application/x-protobuf"; // With an empty body: nothing was rejected.
    }
}
