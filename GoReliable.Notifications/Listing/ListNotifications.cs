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
internal sealed record NotificationItem(Guid Id, string Type, string Channel, string Status, int Attempts, DateTime SentAt);

/// <summary><c>GET /api/v1/orders/{id}/notifications</c></summary>
internal static class ListNotifications
{
    // Three events in the life of an order; the limit is for whatever comes later.
    private const string Sql = """
        -- list notifications
        SELECT event_id, event_type, channel, attempts, sent_at
        FROM notifications
        WHERE order_id = $1 AND customer_id = $2
        ORDER BY accepted_at, event_id
        LIMIT 100
        """;

    public static IEndpointRouteBuilder MapNotifications(this IEndpointRouteBuilder app)
    {
        app.MapGet("/api/v1/orders/{id:guid}/notifications", HandleAsync).RequireAuthorization(Scopes.OrdersRead);
        return app;
    }

    /// <summary>Somebody else's order and an unknown one look the same: nothing was sent.</summary>
    private static async Task<NotificationList> HandleAsync(Guid id, Customer customer, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = customer.Id });

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var items = new List<NotificationItem>();
        while (await reader.ReadAsync(cancellationToken))
            items.Add(new(reader.GetGuid(0), reader.GetString(1), reader.GetString(2), "delivered", reader.GetInt32(3), reader.GetDateTime(4)));
        return new NotificationList(items);
    }
}
