using GoReliable.Database;
using GoReliable.Notifications.Messages;
using Npgsql;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Makes sure that an event is handled once, however many workers it reaches. A claim is a row in a transaction that
/// stays open while the event is delivered. Another worker that claims the event waits for the end of that transaction.
/// Then it has a duplicate or, if the delivery failed, the event. This is for deliveries that wait for no external
/// server; the others have <see cref="Leases"/>.
/// </summary>
/// <remarks>
/// BEGIN and COMMIT travel with the statements, so a batch of messages costs two round trips. Npgsql rolls back what
/// is left open when the connection goes back to its pool.
/// </remarks>
internal static class Inbox
{
    /// <summary>Inserts notifications; the parameters are <see cref="Values"/>.</summary>
    internal const string Insert = """
        INSERT INTO notifications
            (event_id, channel, order_id, customer_id, event_type, attempts, accepted_at, sent_at, version)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """;

    // In order of the ids, so that two workers with the same events wait for each other and do not deadlock.
    internal const string Claim = """
        -- claim inbox
        INSERT INTO inbox (event_id)
        SELECT id FROM unnest($1) AS id ORDER BY id
        ON CONFLICT DO NOTHING
        RETURNING event_id
        """;

    // An event that failed must count as new when it comes back from its retry queue.
    internal const string Release = """
        -- release inbox
        DELETE FROM inbox WHERE event_id = ANY ($1)
        """;

    private const string Store = $"""
        -- store notifications
        {Insert}
        ON CONFLICT DO NOTHING
        """;

    /// <summary>Forgets events that were handled long ago.</summary>
    public static readonly string Expire = ExpiredRows.Sql("inbox", "received_at");

    // If a batch has only duplicates, this is the only statement, and the span has its name.
    private const string Commit = """
        -- commit inbox
        COMMIT
        """;

    /// <summary>Begins the transaction.</summary>
    /// <returns>The ids that this transaction has claimed.</returns>
    public static async Task<HashSet<Guid>> ClaimAsync(NpgsqlConnection connection, IReadOnlyList<Message> messages)
    {
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new("BEGIN"),
                new(Claim) { Parameters = { messages.Column(message => message.Event!.Id) } },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync();
        var claimed = new HashSet<Guid>();
        while (await reader.ReadAsync())
            claimed.Add(reader.GetGuid(0));
        return claimed;
    }

    /// <summary>Stores what was delivered, gives back what failed, and ends the transaction.</summary>
    public static async Task CommitAsync(NpgsqlConnection connection, IReadOnlyList<Message> claimed)
    {
        var delivered = claimed.Where(message => message.Receipt is not null).ToList();
        var failed = claimed.Where(message => message.Receipt is null).ToList();

        await using var batch = new NpgsqlBatch(connection);
        if (delivered.Count > 0)
        {
            var store = new NpgsqlBatchCommand(Store);
            store.Parameters.AddRange(Values(delivered));
            batch.BatchCommands.Add(store);
        }
        if (failed.Count > 0)
            batch.BatchCommands.Add(new(Release) { Parameters = { failed.Column(message => message.Event!.Id) } });
        batch.BatchCommands.Add(new(Commit));
        await batch.ExecuteNonQueryAsync();
    }

    /// <summary>What is stored of deliveries.</summary>
    internal static NpgsqlParameter[] Values(IReadOnlyList<Message> delivered) =>
        [
            delivered.Column(message => message.Event!.Id),
            delivered.Column(message => message.Receipt!.Channel),
            delivered.Column(message => message.Event!.OrderId),
            delivered.Column(message => message.Event!.CustomerId),
            delivered.Column(message => message.Event!.Type.Name),
            delivered.Column(message => message.Attempt),
            delivered.Column(message => message.Event!.Time.UtcDateTime),
            delivered.Column(message => message.Receipt!.SentAt.UtcDateTime),
            delivered.Column(message => message.Event!.Version),
        ];
}
