using System.Text;
using System.Text.Json;
using GoReliable.Database;
using GoReliable.Database.Erasure;
using Npgsql;

namespace GoReliable.Orders.Erasure;

/// <summary>
/// Removes a customer from the orders. The orders themselves stay, with what was bought and for how much, because they
/// are business records. Events that are still to be published stay as well, since none of them may be lost; they are
/// counted.
/// </summary>
internal static class EraseCustomer
{
    // By id, so that PostgreSQL waits for an order that is being changed and then checks it again.
    internal const string Orders = $"""
        -- erase orders
        UPDATE orders SET customer_id = '{ErasureReport.ErasedCustomer}', contact_email = NULL
        WHERE customer_id = $1 AND id = ANY (ARRAY(
            SELECT id FROM orders WHERE customer_id = $1 ORDER BY id DESC LIMIT 1000))
        """;

    private const string Keys = """
        -- count keys of customer
        SELECT count(*) FROM idempotency_keys WHERE customer_id = $1
        """;

    // Page by page, since the outbox has no index on customers. Most of the time it is empty.
    private const string Events = """
        -- count events of customer
        SELECT count(*) FILTER (WHERE position($1 IN body) > 0), max(id)
        FROM (SELECT id, body FROM outbox WHERE id > $2 ORDER BY id LIMIT 5000) AS page
        """;

    public static async Task<ErasureReport> EraseAsync(
        NpgsqlDataSource database,
        string customer,
        CancellationToken cancellationToken
    ) =>
        new([
            // Orders first: from then on, no change of an order makes another event with the address.
            new(
                "orders",
                await database.ExecuteInBatchesAsync(Orders, customer, cancellationToken),
                "have neither customer nor address any more"
            ),
            new(
                "events in the outbox",
                await CountEventsAsync(database, customer, cancellationToken),
                "are still to be published, with customer and address: erase again afterwards",
                IsOpen: true
            ),
            new(
                "idempotency keys",
                await database.NumberAsync(Keys, cancellationToken, customer),
                "name the customer until they expire, so that a repeated request makes no second order"
            ),
        ]);

    private static async Task<long> CountEventsAsync(
        NpgsqlDataSource database,
        string customer,
        CancellationToken cancellationToken
    )
    {
        // The member as it is written in a body. A quote within a value would be escaped, so this text matches nothing
        // else.
        var member = Encoding.UTF8.GetBytes($"\"customerId\":\"{JsonEncodedText.Encode(customer)}\"");
        for (var (found, last) = (0L, 0L); ; )
        {
            await using var command = database.CreateCommand(Events);
            command.Parameters.AddValue(member);
            command.Parameters.AddValue(last);
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            await row.ReadAsync(cancellationToken);
            if (row.IsDBNull(1))
                return found;
            (found, last) = (found + row.GetInt64(0), row.GetInt64(1));
        }
    }
}
