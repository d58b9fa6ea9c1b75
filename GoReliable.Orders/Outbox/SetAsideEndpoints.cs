using System.Globalization;
using GoReliable.Database;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace GoReliable.Orders.Outbox;

/// <summary>
/// The operator's API for events that the broker does not take, for the management port: list, show, redrive, discard.
/// </summary>
internal static class SetAsideEndpoints
{
    private const int DefaultLimit = 50;
    private const int MaxLimit = 200;

    public static IEndpointRouteBuilder MapSetAside(this IEndpointRouteBuilder routes)
    {
        var orders = routes.MapGroup("/outbox/set-aside").RequireAuthorization(Scopes.NotificationsOperate);
        orders.MapGet("", ListAsync);
        orders.MapGet("{order:guid}", FindAsync);
        orders.MapDelete("{order:guid}", DiscardAsync);
        orders.MapPost("{order:guid}/redrive", RedriveOneAsync);
        orders.MapPost("redrive", RedriveAsync).WithMetadata(new RequestSizeLimitAttribute(64 * 1024));
        return routes;
    }

    private static async Task<Results<Ok<SetAsidePage>, ProblemHttpResult>> ListAsync(
        string? limit,
        string? cursor,
        SetAsideTable setAside,
        CancellationToken cancellationToken
    )
    {
        if (!PageLimit.TryRead(limit, DefaultLimit, MaxLimit, out var rows, out var mistake))
            return BadRequest(mistake);
        var after = 0L;
        if (cursor is not null && !long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out after))
            return BadRequest("cursor must be the nextCursor of an earlier page.");

        // One more than asked for tells whether there is a next page.
        var found = await setAside.ListAsync(after, rows + 1, cancellationToken);
        var page = found.Take(rows).ToList();
        return TypedResults.Ok(
            new SetAsidePage(
                [.. page.Select(order => order.Item)],
                found.Count > rows ? page[^1].Position.ToString(CultureInfo.InvariantCulture) : null
            )
        );
    }

    private static async Task<Results<Ok<SetAsideDetail>, ProblemHttpResult>> FindAsync(
        Guid order,
        SetAsideTable setAside,
        CancellationToken cancellationToken
    ) => await setAside.FindAsync(order, cancellationToken) is { } detail ? TypedResults.Ok(detail) : NotFound(order);

    private static async Task<Results<NoContent, ProblemHttpResult>> RedriveOneAsync(
        Guid order,
        OperatorId by,
        SetAsideTable setAside,
        CancellationToken cancellationToken
    ) =>
        await setAside.RedriveAsync([order], reason: null, by, cancellationToken) > 0
            ? TypedResults.NoContent()
            : NotFound(order);

    private static async Task<Results<Ok<RedriveResult>, ProblemHttpResult>> RedriveAsync(
        RedriveRequest request,
        OperatorId by,
        SetAsideTable setAside,
        CancellationToken cancellationToken
    ) =>
        request.FindMistake() is { } mistake
            ? BadRequest(mistake)
            : TypedResults.Ok(
                new RedriveResult(await setAside.RedriveAsync(request.Orders, request.Reason, by, cancellationToken))
            );

    private static async Task<Results<NoContent, ProblemHttpResult>> DiscardAsync(
        Guid order,
        OperatorId by,
        SetAsideTable setAside,
        CancellationToken cancellationToken
    ) => await setAside.DiscardAsync(order, by, cancellationToken) ? TypedResults.NoContent() : NotFound(order);

    private static ProblemHttpResult BadRequest(string detail) =>
        TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);

    private static ProblemHttpResult NotFound(Guid order) =>
        TypedResults.Problem(
            $"Nothing of order {order} is set aside for an operator.",
            statusCode: StatusCodes.Status404NotFound
        );
}
