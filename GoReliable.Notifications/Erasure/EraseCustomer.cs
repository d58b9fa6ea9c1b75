using GoReliable.Database;
using GoReliable.Database.Erasure;
using Npgsql;

namespace GoReliable.Notifications.Erasure;

/// <summary>
/// Removes a customer from the notifications that were sent, and deletes the customer's dead letters, each of which is
/// an event with the address. Inbox, leases and suspects know only events, and stay as they are.
/// </summary>
internal static class EraseCustomer
{
    private const int PagesAtOnce = 1000;

    private const string Size = """
        -- size of notifications
        SELECT pg_relation_size('notifications') / current_setting('block_size')::bigint
        """;

    // Goes through the table a number of pages at a time. An index on customers would cost each notification more than
    // this ever does.
    internal const string Notifications = $"""
        -- erase notifications
        UPDATE notifications SET customer_id = '{ErasureReport.ErasedCustomer}'
        WHERE ctid >= format('(%s,0)', $2::bigint)::tid
            AND ctid < format('(%s,0)', $3::bigint)::tid AND customer_id = $1
        """;

    // By id, so that PostgreSQL waits for a letter that is being redriven.
    internal const string DeadLetters = """
        -- erase dead letters
        DELETE FROM dead_letters WHERE id = ANY (ARRAY(
            SELECT id FROM dead_letters WHERE customer_of(body) = $1 LIMIT 1000))
        """;

    internal const string Unreadable = """
        -- count unreadable dead letters
        SELECT count(*) FROM dead_letters WHERE customer_of(body) IS NULL
        """;

    public static async Task<ErasureReport> EraseAsync(
        NpgsqlDataSource database,
        string customer,
        CancellationToken cancellationToken
    ) =>
        new([
            new(
                "notifications",
                await EraseNotificationsAsync(database, customer, cancellationToken),
                "have no customer any more"
            ),
            new(
                "dead letters",
                await database.ExecuteInBatchesAsync(DeadLetters, customer, cancellationToken),
                "were removed, undelivered"
            ),
            new(
                "unreadable dead letters",
                await database.NumberAsync(Unreadable, cancellationToken),
                "may be anybody's: look at each, and discard what is the customer's",
                IsOpen: true
            ),
        ]);

    private static async Task<long> EraseNotificationsAsync(
        NpgsqlDataSource database,
        string customer,
        CancellationToken cancellationToken
    )
    {
        var pages = await database.NumberAsync(Size, cancellationToken);
        var erased = 0L;
        for (var page = 0L; page < pages; page += PagesAtOnce)
        {
            await using var command = database.CreateCommand(Notifications);
            command.Parameters.AddValue(customer);
            command.Parameters.AddValue(page);
            command.Parameters.AddValue(page + PagesAtOnce);
            erased += await command.ExecuteNonQueryAsync(cancellationToken);
        }
        return erased;
    }
}
