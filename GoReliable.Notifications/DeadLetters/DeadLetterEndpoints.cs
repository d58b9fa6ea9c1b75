using System.Globalization;
using GoReliable.Database;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Npgsql;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>The operator's API, for the management port: list, inspect, redrive, discard.</summary>
internal static class DeadLetterEndpoints
{
    private const int DefaultLimit = 50;
    private const int MaxLimit = 200;

    public static IEndpointRouteBuilder MapDeadLetters(this IEndpointRouteBuilder routes)
    {
        var letters = routes
            .MapGroup("/dead-letters")
            .RequireAuthorization(Scopes.NotificationsOperate)
            .AddEndpointFilter(ExplainAsync);
        letters.MapGet("", ListAsync);
        letters.MapGet("{id:guid}", FindAsync);
        letters.MapDelete("{id:guid}", DiscardOneAsync);
        letters.MapPost("{id:guid}/redrive", RedriveOneAsync);
        var bodies = letters.MapGroup("").WithMetadata(new RequestSizeLimitAttribute(64 * 1024));
        bodies.MapPost("redrive", RedriveAsync);
        bodies.MapPost("discard", DiscardAsync);
        return routes;
    }

    private static async ValueTask<object?> ExplainAsync(
        EndpointFilterInvocationContext context,
        EndpointFilterDelegate next
    )
    {
        try
        {
            return await next(context);
        }
        catch (BrokerUnavailableException exception)
        {
            return TypedResults.Problem(
                $"The broker does not take messages; what was not redriven stays. {exception.Message}",
                statusCode: StatusCodes.Status503ServiceUnavailable
            );
        }
    }

    private static async Task<Results<Ok<DeadLetterPage>, ProblemHttpResult>> ListAsync(
        string? limit,
        string? cursor,
        NpgsqlDataSource database,
        CancellationToken cancellationToken
    )
    {
        if (!PageLimit.TryRead(limit, DefaultLimit, MaxLimit, out var rows, out var mistake))
            return BadRequest(mistake);
        var after = 0L;
        if (cursor is not null && !long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out after))
            return BadRequest("cursor must be the nextCursor of an earlier page.");

        // One more than asked for tells whether there is a next page.
        var letters = await DeadLetterTable.ListAsync(database, after, rows + 1, cancellationToken);
        var page = letters.Take(rows).ToList();
        return TypedResults.Ok(
            new DeadLetterPage(
                [.. page.Select(letter => letter.Item)],
                letters.Count > rows ? page[^1].Position.ToString(CultureInfo.InvariantCulture) : null
            )
        );
    }

    private static async Task<Results<Ok<DeadLetterDetail>, ProblemHttpResult>> FindAsync(
        Guid id,
        NpgsqlDataSource database,
        CancellationToken cancellationToken
    ) =>
        await DeadLetterTable.FindAsync(database, id, cancellationToken) is { } letter
            ? TypedResults.Ok(DeadLetterDetail.Of(letter))
            : NotFound(id);

    private static async Task<Results<NoContent, ProblemHttpResult>> RedriveOneAsync(
        Guid id,
        OperatorId by,
        Redriver redriver,
        CancellationToken cancellationToken
    )
    {
        var only = new RedriveRequest([id], All: null, Reason: null, UpTo: long.MaxValue);
        var result = await redriver.RedriveAsync(only, by, cancellationToken);
        return result.Done > 0 ? TypedResults.NoContent() : NotFound(id);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DiscardOneAsync(
        Guid id,
        OperatorId by,
        Redriver redriver,
        CancellationToken cancellationToken
    )
    {
        var only = new DeadLetterSelection([id], All: null, Reason: null, UpTo: long.MaxValue);
        var result = await redriver.DiscardAsync(only, by, cancellationToken);
        return result.Done > 0 ? TypedResults.NoContent() : NotFound(id);
    }

    private static async Task<Results<Ok<BulkResult>, ProblemHttpResult>> RedriveAsync(
        RedriveRequest request,
        OperatorId by,
        Redriver redriver,
        CancellationToken cancellationToken
    ) =>
        request.FindMistake() is { } mistake
            ? BadRequest(mistake)
            : TypedResults.Ok(await redriver.RedriveAsync(request, by, cancellationToken));

    private static async Task<Results<Ok<BulkResult>, ProblemHttpResult>> DiscardAsync(
        DeadLetterSelection selection,
        OperatorId by,
        Redriver redriver,
        CancellationToken cancellationToken
    ) =>
        selection.FindMistake() is { } mistake
            ? BadRequest(mistake)
            : TypedResults.Ok(await redriver.DiscardAsync(selection, by, cancellationToken));

    private static ProblemHttpResult BadRequest(string detail) =>
        TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);

    private static ProblemHttpResult NotFound(Guid id) =>
        TypedResults.Problem(
            $"There is no dead letter {id}, or another operator is handling it.",
            statusCode: StatusCodes.Status404NotFound
        );
}
