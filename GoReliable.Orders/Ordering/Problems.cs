using Microsoft.AspNetCore.Http.HttpResults;

namespace GoReliable.Orders.Ordering;

/// <summary>What can be wrong with a request beyond its body.</summary>
internal static class Problems
{
    public static ProblemHttpResult BadIdempotencyKey =>
        Problem(
            StatusCodes.Status400BadRequest,
            $"{IdempotencyKey.Header} must be 1 to 255 visible ASCII characters, without quotes or backslashes "
                + "inside, and be sent once."
        );

    public static ProblemHttpResult KeyUsedForAnotherRequest =>
        Problem(
            StatusCodes.Status422UnprocessableEntity,
            $"This {IdempotencyKey.Header} was used for another request. Use a new key for a new request."
        );

    public static ProblemHttpResult NotFound => Problem(StatusCodes.Status404NotFound, "There is no such order.");

    public static ProblemHttpResult Transition(OrderStatus from, OrderStatus to) =>
        Problem(StatusCodes.Status409Conflict, $"An order that is {from.Text()} cannot become {to.Text()}.");

    public static ProblemHttpResult BadQuery(string detail) => Problem(StatusCodes.Status400BadRequest, detail);

    /// <summary>
    /// The only conflict with <c>Retry-After</c>, because it is the only one that goes away with time.
    /// </summary>
    public static ProblemHttpResult KeyInFlight(HttpResponse response)
    {
        response.Headers.RetryAfter = "1";
        return Problem(
            StatusCodes.Status409Conflict,
            $"A request with this {IdempotencyKey.Header} is being processed. Send it again for its answer."
        );
    }

    private static ProblemHttpResult Problem(int status, string detail) =>
        TypedResults.Problem(detail, statusCode: status);
}
