using Microsoft.AspNetCore.Http.HttpResults;

namespace GoReliable.Orders.Ordering;

/// <summary>What can be wrong with a request beyond its body.</summary>
internal static class Problems
{
    public static ProblemHttpResult BadIdempotencyKey =>
        Problem(StatusCodes.Status400BadRequest, $"{IdempotencyKey.Header} must be 1 to 255 visible ASCII characters, without quotes or backslashes inside, and be sent once.");

    public static ProblemHttpResult KeyInFlight =>
        Problem(StatusCodes.Status409Conflict, $"A request with this {IdempotencyKey.Header} is being processed. Send it again for its answer.");

    public static ProblemHttpResult KeyUsedForAnotherOrder =>
        Problem(StatusCodes.Status422UnprocessableEntity, $"This {IdempotencyKey.Header} was used for another order. Use a new key for a new order.");

    public static ProblemHttpResult NotFound => Problem(StatusCodes.Status404NotFound, "There is no such order.");

    public static ProblemHttpResult Transition(OrderStatus from, OrderStatus to) =>
        Problem(StatusCodes.Status409Conflict, $"An order that is {from.Text()} cannot become {to.Text()}.");

    public static ProblemHttpResult BadQuery(string detail) => Problem(StatusCodes.Status400BadRequest, detail);

    private static ProblemHttpResult Problem(int status, string detail) => TypedResults.Problem(detail, statusCode: status);
}
