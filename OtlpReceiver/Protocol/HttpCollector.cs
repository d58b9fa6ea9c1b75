using System.IO.Compression;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace OtlpReceiver.Protocol;

/// <summary>
/// OTLP over HTTP with protobuf bodies, plain or gzip: https://opentelemetry.io/docs/specs/otlp/#otlphttp
/// </summary>
internal static class HttpCollector
{
    private const string Protobuf = "application/x-protobuf";

    public static void MapHttpCollector(this IEndpointRouteBuilder routes, Intake intake)
    {
        routes.MapPost("/v1/traces", context => TakeAsync(context, intake.Traces));
        routes.MapPost("/v1/logs", context => TakeAsync(context, intake.Logs));
        routes.MapPost("/v1/metrics", context => TakeAsync(context, intake.Metrics));
    }

    private static async Task TakeAsync(HttpContext context, Action<byte[]> keep)
    {
        var type = context.Request.GetTypedHeaders().ContentType?.MediaType.Value;
        if (!string.Equals(type, Protobuf, StringComparison.OrdinalIgnoreCase))
        {
            await RefuseTypeAsync(
                context,
                $"Content-Type must be {Protobuf}, not '{type}'. OTLP as JSON is not taken here: "
                    + "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf."
            );
            return;
        }

        var encoding = context.Request.Headers.ContentEncoding.ToString();
        if (encoding is not ("" or "identity" or "gzip"))
        {
            await RefuseTypeAsync(context, $"Content-Encoding must be gzip or absent, not '{encoding}'.");
            return;
        }

        try
        {
            var payload = await ReadAsync(context, encoding == "gzip");
            if (payload is null)
            {
                await RefuseAsync(
                    context,
                    StatusCodes.Status413PayloadTooLarge,
                    $"A payload may have {Intake.MaxPayloadBytes} bytes."
                );
                return;
            }

            keep(payload);
            context.Response.ContentType = Protobuf; // With an empty body: nothing was rejected.
        }
        catch (Exception e) when (e is RefusedPayloadException or InvalidDataException)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, e.Message);
        }
    }

    /// <returns>Null when the body, uncompressed, is too large.</returns>
    private static async Task<byte[]?> ReadAsync(HttpContext context, bool gzip)
    {
        await using var body = gzip
            ? new GZipStream(context.Request.Body, CompressionMode.Decompress)
            : context.Request.Body;
        var payload = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await body.ReadAsync(buffer, context.RequestAborted)) > 0)
        {
            if (payload.Length + read > Intake.MaxPayloadBytes)
            {
                return null;
            }

            payload.Write(buffer, 0, read);
        }

        return payload.ToArray();
    }

    private static Task RefuseTypeAsync(HttpContext context, string reason)
    {
        // As text: who sends another type may not be able to read protobuf.
        context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
        return context.Response.WriteAsync(reason, context.RequestAborted);
    }

    private static Task RefuseAsync(HttpContext context, int status, string reason)
    {
        const int InvalidArgument = 3; // google.rpc.Code
        context.Response.StatusCode = status;
        context.Response.ContentType = Protobuf;
        var refusal = new Refusal { Code = InvalidArgument, Message = reason };
        return context.Response.Body.WriteAsync(refusal.ToByteArray(), context.RequestAborted).AsTask();
    }
}
