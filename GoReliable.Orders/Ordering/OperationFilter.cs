namespace GoReliable.Orders.Ordering;

/// <summary>Measures the calls of an endpoint, by how they were answered.</summary>
internal sealed class OperationFilter(string operation, Telemetry telemetry) : IEndpointFilter
{
    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        using var timing = telemetry.Operation(operation);
        try
        {
            var answer = await next(context);
            timing.Result = ResultOf(answer, context.HttpContext);
            return answer;
        }
        // Only then: a statement that fails is an error of ours, also when its caller has given up by then.
        catch (OperationCanceledException) when (context.HttpContext.RequestAborted.IsCancellationRequested)
        {
            timing.Result = "cancelled";
            throw;
        }
    }

    private static string ResultOf(object? answer, HttpContext context)
    {
        if (context.Response.Headers.ContainsKey(IdempotencyKey.ReplayedHeader))
            return "replayed";
        return ((answer as INestedHttpResult)?.Result as IStatusCodeHttpResult)?.StatusCode switch
        {
            StatusCodes.Status200OK => "ok",
            StatusCodes.Status201Created => "created",
            StatusCodes.Status404NotFound => "not_found",
            StatusCodes.Status409Conflict or StatusCodes.Status422UnprocessableEntity => "conflict",
            _ when context.RequestAborted.IsCancellationRequested => "cancelled",
            _ => "invalid",
        };
    }
}
