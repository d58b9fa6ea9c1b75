using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;

namespace GoReliable.Orders;

/// <summary>
/// Reads JSON bodies with answers that say where the mistake is, which the framework's binding does not.
/// </summary>
internal static class RequestBody
{
    /// <summary>As at the gateway: the largest order has about 15 KB.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <returns>The value, or the problem to answer with.</returns>
    public static async ValueTask<(T? Value, ProblemHttpResult? Problem)> ReadAsync<T>(
        HttpRequest request,
        JsonTypeInfo<T> type
    )
        where T : class
    {
        if (!request.HasJsonContentType())
            return (
                null,
                TypedResults.Problem(
                    "The body must be application/json.",
                    statusCode: StatusCodes.Status415UnsupportedMediaType
                )
            );
        // Bodies are not decoded here: read as it is, an encoded body would not be what its sender means.
        if (request.Headers.ContentEncoding.Count > 0)
            return (
                null,
                TypedResults.Problem(
                    "The body must be sent without Content-Encoding.",
                    statusCode: StatusCodes.Status415UnsupportedMediaType
                )
            );
        try
        {
            return
                await JsonSerializer.DeserializeAsync(request.BodyReader, type, request.HttpContext.RequestAborted)
                    is { } value
                ? (value, null)
                : (null, Invalid("$"));
        }
        catch (JsonException exception)
        {
            return (null, Invalid(exception.Path ?? "$", exception));
        }
        catch (BadHttpRequestException exception)
        {
            return (null, Unreadable(exception));
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return (null, ClientGone);
        }
    }

    // The client reset the connection or went away in the middle of its body. Nobody will read this answer.
    private static ProblemHttpResult ClientGone =>
        TypedResults.Problem(statusCode: StatusCodes.Status499ClientClosedRequest);

    // Too large, too slow, broken off: Kestrel's status says which.
    private static ProblemHttpResult Unreadable(BadHttpRequestException exception) =>
        TypedResults.Problem("The body could not be read to its end.", statusCode: exception.StatusCode);

    // The exception's own text names .NET types.
    private static ProblemHttpResult Invalid(string path, JsonException? exception = null)
    {
        var where = exception?.LineNumber is { } line
            ? $" (line {line + 1}, byte {exception.BytePositionInLine + 1})"
            : "";
        return TypedResults.Problem(
            $"The body is not the JSON that is expected: see {path}{where}. "
                + "Members must be known, complete, of the right type and not repeated.",
            statusCode: StatusCodes.Status400BadRequest
        );
    }
}
