using GoReliable.Database;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Identity;
using Npgsql;

namespace GoReliable.Notifications.Listing;

/// <summary>What was sent about an order, in the order in which it happened.</summary>
internal sealed record NotificationList(IReadOnlyList<NotificationItem> Items);

/// <param name="Id">The event's id.</param>
/// <param name="Type">Such as <c>order.created</c>.</param>
/// <param name="Channel"><c>email</c> or <c>in_app</c>.</param>
/// <param name="Status"><c>delivered</c>; what is still on its way has no notification yet.</param>
/// <param name="Attempts">How many it took, from 1.</param>
/// <param name="SentAt">When it was delivered, UTC.</param>
/// <param name="Version">Version of the order after the change that it tells of, if the event had one.</param>
internal sealed record NotificationItem(
    Guid Id,
    string Type,
    string Channel,
    string Status,
    int Attempts,
    DateTime SentAt,
    int? Version
);

/// <summary><c>GET /api/v1/orders/{id}/notifications</c></summary>
internal static class ListNotifications
{
    // An order has three events in its life; the limit is for events that may be added later.
    private const string Sql = """
        -- list notifications
        SELECT event_id, event_type, channel, attempts, sent_at, version
        FROM notifications
        WHERE order_id = $1 AND customer_id = $2
        -- By what happened to the order, not by when it was told: a retry may let a later event overtake.
        ORDER BY version NULLS FIRST, accepted_at, event_id
        LIMIT 100
        """;

    public static IEndpointRouteBuilder MapNotifications(this IEndpointRouteBuilder app)
    {
        app.MapGet("/api/v1/orders/{id:guid}/notifications", HandleAsync).RequireAuthorization(Scopes.OrdersRead);
        return app;
    }

    /// <summary>Another customer's order and an unknown one look the same: nothing was sent.</summary>
    private static async Task<NotificationList> HandleAsync(
        Guid id,
        Customer customer,
        NpgsqlDataSource database,
        ChaosSwitches chaos,
        CancellationToken cancellationToken
    )
    {
        await chaos.Database.InjectAsync(cancellationToken);
        await using var command = database.CreateCommand(Sql);
        command.Parameters.AddValue(id);
        command.Parameters.AddValue(customer.Id);

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var items = new List<NotificationItem>();
        while (await reader.ReadAsync(cancellationToken))
            items.Add(
                new(
                    reader.GetGuid(0),
                    reader.GetString(1),
                    reader.GetString(2),
                    "delivered",
                    reader.GetInt32(3),
                    reader.GetDateTime(4),
                    reader.IsDBNull(5) ? null : reader.GetInt32(5)
                )
            );
        return new NotificationList(items);
    }
}
