using System.Globalization;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Npgsql;

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
        var orders = routes
            .MapGroup("/outbox/set-aside")
            .RequireAuthorization(Scopes.NotificationsOperate)
            .ExcludeFromDescription();
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
        NpgsqlDataSource database,
        CancellationToken cancellationToken
    )
    {
        var (rows, after) = (DefaultLimit, 0L);
        if (
            limit is not null
            && (
                !int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out rows)
                || rows is < 1 or > MaxLimit
            )
        )
            return BadRequest($"limit must be a number from 1 to {MaxLimit}.");
        if (cursor is not null && !long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out after))
            return BadRequest("cursor must be the nextCursor of an earlier page.");

        // One more than asked for tells whether there is a next page.
        var found = await SetAsideTable.ListAsync(database, after, rows + 1, cancellationToken);
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
        NpgsqlDataSource database,
        CancellationToken cancellationToken
    ) =>
        await SetAsideTable.FindAsync(database, order, cancellationToken) is { } detail
            ? TypedResults.Ok(detail)
            : NotFound(order);

    private static async Task<Results<NoContent, ProblemHttpResult>> RedriveOneAsync(
        Guid order,
        OperatorId by,
        NpgsqlDataSource database,
        OutboxSignal relay,
        ILogger<OutboxRelay> logger,
        CancellationToken cancellationToken
    ) =>
        await PutBackAsync([order], reason: null, by, database, relay, logger, cancellationToken) > 0
            ? TypedResults.NoContent()
            : NotFound(order);

    private static async Task<Results<Ok<RedriveResult>, ProblemHttpResult>> RedriveAsync(
        RedriveRequest request,
        OperatorId by,
        NpgsqlDataSource database,
        OutboxSignal relay,
        ILogger<OutboxRelay> logger,
        CancellationToken cancellationToken
    ) =>
        request.IsValid(out var mistake)
            ? TypedResults.Ok(
                new RedriveResult(
                    await PutBackAsync(request.Orders, request.Reason, by, database, relay, logger, cancellationToken)
                )
            )
            : BadRequest(mistake);

    private static async Task<int> PutBackAsync(
        Guid[]? orders,
        string? reason,
        OperatorId by,
        NpgsqlDataSource database,
        OutboxSignal relay,
        ILogger<OutboxRelay> logger,
        CancellationToken cancellationToken
    )
    {
        var count = await SetAsideTable.RedriveAsync(database, orders, reason, cancellationToken);
        if (count > 0)
            logger.OutboxRedriven(count, by.Name);
        relay.Wake();
        return count;
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DiscardAsync(
        Guid order,
        OperatorId by,
        NpgsqlDataSource database,
        OutboxSignal relay,
        ILogger<OutboxRelay> logger,
        CancellationToken cancellationToken
    )
    {
        if (await SetAsideTable.DiscardAsync(database, order, cancellationToken) is not { } discarded)
            return NotFound(order);
        logger.OutboxDiscarded(discarded.Event, order, discarded.Reason, by.Name);
        relay.Wake();
        return TypedResults.NoContent();
    }

    private static ProblemHttpResult BadRequest(string detail) =>
        TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);

    private static ProblemHttpResult NotFound(Guid order) =>
        TypedResults.Problem(
            $"Nothing of order {order} is set aside for an operator.",
            statusCode: StatusCodes.Status404NotFound
        );
}
