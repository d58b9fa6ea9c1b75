using System.Buffers.Text;
using GoReliable.Database;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>A page of orders.</summary>
/// <param name="Items">Newest first.</param>
/// <param name="NextCursor">Send it as <c>cursor</c> for the next page; null on the last one.</param>
internal sealed record OrderPage(IReadOnlyList<Order> Items, string? NextCursor);

/// <summary><c>GET /api/v1/orders?status=&amp;limit=&amp;cursor=</c>: keyset pages by id, which is by time.</summary>
internal sealed class ListOrders(NpgsqlDataSource database, ChaosSwitches chaos, Telemetry telemetry)
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 100;

    private const string Select = $"""
        -- SELECT orders
        SELECT {Order.Columns} FROM orders o WHERE o.customer_id = $1 AND o.id < $2 ORDER BY o.id DESC LIMIT $3
        """;

    /// <summary>By the index <c>orders_by_customer_and_status</c>, whose order is the order of the page.</summary>
    internal const string SelectByStatus = $"""
        -- SELECT orders by status
        SELECT {Order.Columns} FROM orders o
        WHERE o.customer_id = $1 AND o.id < $2 AND o.status = $4 ORDER BY o.id DESC LIMIT $3
        """;

    public async Task<Results<Ok<OrderPage>, ProblemHttpResult>> HandleAsync(
        string? status,
        string? limit,
        string? cursor,
        Customer customer,
        CancellationToken cancellationToken
    )
    {
        if (status is not (null or "pending" or "confirmed" or "cancelled"))
            return Problems.BadQuery("status must be pending, confirmed or cancelled.");
        if (!PageLimit.TryRead(limit, DefaultLimit, MaxLimit, out var rows, out var mistake))
            return Problems.BadQuery(mistake);
        if (!TryParse(cursor, out var before))
            return Problems.BadQuery("cursor must be the nextCursor of an earlier page.");
        return TypedResults.Ok(await ReadAsync(customer.Id, status, before, rows, cancellationToken));
    }

    private async Task<OrderPage> ReadAsync(
        string customerId,
        string? status,
        Guid before,
        int limit,
        CancellationToken cancellationToken
    )
    {
        using var query = telemetry.Query(
            status is null ? "select_orders" : "select_orders_by_status",
            cancellationToken
        );
        await chaos.Database.InjectAsync(cancellationToken);
        await using var command = database.CreateCommand(status is null ? Select : SelectByStatus);
        command.Parameters.AddValue(customerId);
        command.Parameters.AddValue(before);
        // One more than asked for tells whether there is a next page.
        command.Parameters.AddValue(limit + 1);
        if (status is not null)
            command.Parameters.AddValue(status);

        var orders = new List<Order>(limit);
        string? next = null;
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            if (orders.Count == limit)
                next = Base64Url.EncodeToString(orders[^1].Id.ToByteArray(bigEndian: true));
            else
                orders.Add(Order.Read(row));
        }
        query.Succeeded();
        return new OrderPage(orders, next);
    }

    private static bool TryParse(string? cursor, out Guid before)
    {
        before = Guid.AllBitsSet;
        if (cursor is null)
            return true;
        Span<byte> bytes = stackalloc byte[16];
        if (
            cursor.Length != 22
            || !Base64Url.IsValid(cursor)
            || !Base64Url.TryDecodeFromChars(cursor, bytes, out var written)
            || written != 16
        )
            return false;
        before = new Guid(bytes, bigEndian: true);
        return true;
    }
}
