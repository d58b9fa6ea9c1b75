using System.Text.Json;
using GoReliable.Orders.Ordering;
using Microsoft.AspNetCore.Http.HttpResults;

namespace GoReliable.Orders;

/// <summary>
/// Reads JSON bodies with answers that say where the mistake is, which the framework's binding does not.
/// </summary>
internal static class RequestBody
{
    /// <summary>As at the gateway: the largest order has about 15 KB.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <returns>The request, or the problem to answer with.</returns>
    public static async ValueTask<(CreateOrderRequest? Value, ProblemHttpResult? Problem)> ReadAsync(
        HttpRequest request
    )
    {
        if (!request.HasJsonContentType())
            return (null, Problem(StatusCodes.Status415UnsupportedMediaType, "The body must be application/json."));
        // Bodies are not decoded here: read as it is, an encoded body would not be what its sender means.
        if (request.Headers.ContentEncoding.Count > 0)
            return (
                null,
                Problem(StatusCodes.Status415UnsupportedMediaType, "The body must be sent without Content-Encoding.")
            );
        try
        {
            var value = await JsonSerializer.DeserializeAsync(
                request.BodyReader,
                OrdersJson.Default.CreateOrderRequest,
                request.HttpContext.RequestAborted
            );
            return value is null ? (null, Invalid("$")) : (value, null);
        }
        catch (JsonException exception)
        {
            return (null, Invalid(exception.Path ?? "$", exception));
        }
        // Too large, too slow, broken off: Kestrel's status says which.
        catch (BadHttpRequestException exception)
        {
            return (null, Problem(exception.StatusCode, "The body could not be read to its end."));
        }
        // The client reset the connection or went away in the middle of its body. Nobody will read this answer.
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return (null, Problem(StatusCodes.Status499ClientClosedRequest, detail: null));
        }
    }

    // The exception's own text names .NET types.
    private static ProblemHttpResult Invalid(string path, JsonException? exception = null)
    {
        var where = exception?.LineNumber is { } line
            ? $" (line {line + 1}, byte {exception.BytePositionInLine + 1})"
            : "";
        return Problem(
            StatusCodes.Status400BadRequest,
            $"The body is not the JSON that is expected: see {path}{where}. "
                + "Members must be known, complete, of the right type and not repeated."
        );
    }

    private static ProblemHttpResult Problem(int status, string? detail) =>
        TypedResults.Problem(detail, statusCode: status);
}
