namespace OtlpReceiver;

/// <summary>A trace as text for a person with curl: its spans as a tree, then its log records.</summary>
internal static class TracePage
{
    public static void MapTracePage(this IEndpointRouteBuilder routes, OtlpEndpoint otlp) =>
        routes.MapGet("/traces/{traceId}", (string traceId) =>
        {
            if (!OtlpEndpoint.IsTraceId(traceId))
            {
                return Results.Text("A trace id is 32 lower-case hex digits.", statusCode: StatusCodes.Status400BadRequest);
            }

            var trace = otlp.Trace(traceId);
            var logs = otlp.Logs(traceId).Select(log => $"{log}{Environment.NewLine}");
            return trace.Spans.Count == 0
                ? Results.Text($"Nothing of trace {traceId} is kept here.", statusCode: StatusCodes.Status404NotFound)
                : Results.Text($"{trace}{string.Concat(logs)}");
        });
}
