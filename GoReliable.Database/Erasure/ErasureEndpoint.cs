using System.Text.Json.Serialization;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace GoReliable.Database.Erasure;

/// <summary>Whose data to erase. It is in the body, because paths are logged.</summary>
/// <param name="Customer">The subject of the customer's tokens.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ErasureRequest(string? Customer);

/// <summary><c>POST /customers/erase</c>, for the management port: removes the personal data of one customer.</summary>
public static partial class ErasureEndpoint
{
    /// <summary>Maps the endpoint. It can be called again, and then finds what came in the meantime.</summary>
    /// <param name="routes">Routes of the management port.</param>
    /// <param name="erase">Erases a customer, in the database of this service.</param>
    public static void MapErasure(
        this IEndpointRouteBuilder routes,
        Func<NpgsqlDataSource, string, CancellationToken, Task<ErasureReport>> erase
    ) =>
        routes
            .MapPost(
                "/customers/erase",
                Task<Results<Ok<ErasureReport>, ProblemHttpResult>> (
                    ErasureRequest request,
                    OperatorId by,
                    NpgsqlDataSource database,
                    ILogger<ErasureReport> logger,
                    CancellationToken cancellationToken
                ) => EraseAsync(request, by, customer => erase(database, customer, cancellationToken), logger)
            )
            .RequireAuthorization(Scopes.NotificationsOperate)
            .WithMetadata(new RequestSizeLimitAttribute(64 * 1024));

    private static async Task<Results<Ok<ErasureReport>, ProblemHttpResult>> EraseAsync(
        ErasureRequest request,
        OperatorId by,
        Func<string, Task<ErasureReport>> erase,
        ILogger logger
    )
    {
        if (!Customer.IsId(request.Customer))
            return TypedResults.Problem(
                "customer must be 1 to 255 visible ASCII characters, as in the customer's tokens.",
                statusCode: StatusCodes.Status400BadRequest
            );
        ErasureReport report;
        try
        {
            report = await erase(request.Customer!);
        }
        catch (Exception exception)
        {
            LogBrokenOff(logger, by.Name, exception.Message);
            throw;
        }
        LogErased(logger, by.Name, string.Join(", ", report.Items.Select(item => $"{item.Count} {item.Name}")));
        return TypedResults.Ok(report);
    }

    [LoggerMessage(
        EventName = "customer.erased",
        Level = LogLevel.Warning,
        Message = "Personal data of a customer was erased by {Operator}: {Items}"
    )]
    private static partial void LogErased(ILogger logger, string @operator, string items);

    [LoggerMessage(
        EventName = "customer.erasure_broken_off",
        Level = LogLevel.Warning,
        Message = "Erasing the personal data of a customer for {Operator} was broken off, what is erased by then stays "
            + "erased: {Reason}"
    )]
    private static partial void LogBrokenOff(ILogger logger, string @operator, string reason);
}
