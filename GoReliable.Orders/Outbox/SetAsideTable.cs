using GoReliable.Database;
using GoReliable.ServiceDefaults.Identity;
using Npgsql;

namespace GoReliable.Orders.Outbox;

/// <summary>
/// What an operator reads and changes of the orders that are set aside. Only the relay publishes their events.
/// </summary>
internal sealed class SetAsideTable(NpgsqlDataSource database, OutboxSignal relay, ILogger<SetAsideTable> logger)
{
    private const string Columns = "order_id, event_id, type, attempts, reason, failed_since, outbox_id";

    private const string Page = $"""
        -- list set aside
        SELECT {Columns} FROM outbox_set_aside WHERE retry_at IS NULL AND outbox_id > $1 ORDER BY outbox_id LIMIT $2
        """;

    private const string One = $"""
        -- find set aside
        SELECT {Columns} FROM outbox_set_aside WHERE retry_at IS NULL AND order_id = $1
        """;

    // The outbox has no index on order_id. So this starts at the failed event and stops after 100,000 rows: millions of
    // other orders' events may follow.
    private const string Events = """
        -- list events of order
        SELECT event_id, type, created_at, traceparent, body
        FROM (SELECT * FROM outbox WHERE id >= $2 ORDER BY id LIMIT 100000) AS near
        WHERE order_id = $1 ORDER BY id LIMIT 100
        """;

    private const string Redrive = """
        -- redrive outbox
        UPDATE outbox_set_aside SET retry_at = now(), attempts = 0
        WHERE retry_at IS NULL AND ($1 IS NULL OR order_id = ANY ($1)) AND ($2 IS NULL OR reason = $2)
        """;

    // The order's row stays, due now, and is not deleted: otherwise a read that begins further on would publish a new
    // event of the order before the older ones that still wait.
    private const string Discard = """
        -- discard outbox
        WITH given_up AS (
            UPDATE outbox_set_aside SET retry_at = now(), attempts = 0
            WHERE retry_at IS NULL AND order_id = $1 RETURNING outbox_id, event_id, reason
        ), gone AS (
            DELETE FROM outbox USING given_up WHERE outbox.id = given_up.outbox_id
        )
        SELECT event_id, reason FROM given_up
        """;

    /// <summary>Oldest first.</summary>
    public async Task<List<SetAsideRow>> ListAsync(long after, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Page);
        command.Parameters.AddValue(after);
        command.Parameters.AddValue(limit);
        return await ReadAsync(command, cancellationToken);
    }

    /// <returns>Null when nothing of this order waits for an operator.</returns>
    public async Task<SetAsideDetail?> FindAsync(Guid order, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(One);
        command.Parameters.AddValue(order);
        if (await ReadAsync(command, cancellationToken) is not [var (item, position)])
            return null;

        await using var look = database.CreateCommand(Events);
        look.Parameters.AddValue(order);
        look.Parameters.AddValue(position);
        await using var row = await look.ExecuteReaderAsync(cancellationToken);
        var events = new List<SetAsideEvent>();
        while (await row.ReadAsync(cancellationToken))
            events.Add(
                SetAsideEvent.Of(
                    row.GetGuid(0),
                    row.GetString(1),
                    row.GetDateTime(2),
                    row.IsDBNull(3) ? null : row.GetString(3),
                    row.GetFieldValue<byte[]>(4)
                )
            );
        return new SetAsideDetail(item, events);
    }

    /// <summary>
    /// Gives orders another try: these, or all if null; only those with the reason, or with any if null.
    /// </summary>
    /// <returns>How many they are.</returns>
    public async Task<int> RedriveAsync(
        Guid[]? orders,
        string? reason,
        OperatorId by,
        CancellationToken cancellationToken
    )
    {
        await using var command = database.CreateCommand(Redrive);
        command.Parameters.AddValue(orders);
        command.Parameters.AddValue(reason);
        var count = await command.ExecuteNonQueryAsync(cancellationToken);
        if (count > 0)
            logger.OutboxRedriven(count, by.Name);
        relay.Wake();
        return count;
    }

    /// <summary>Removes the event that the broker does not take, for good.</summary>
    /// <returns>False when nothing of this order waits for an operator.</returns>
    public async Task<bool> DiscardAsync(Guid order, OperatorId by, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Discard);
        command.Parameters.AddValue(order);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        if (!await row.ReadAsync(cancellationToken))
            return false;
        var (discarded, reason) = (row.GetGuid(0), row.GetString(1));
        // The commit comes after the row. Who discarded it must be logged, even if the operator hangs up.
        await row.NextResultAsync(CancellationToken.None);
        logger.OutboxDiscarded(discarded, order, reason, by.Name);
        relay.Wake();
        return true;
    }

    private static async Task<List<SetAsideRow>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var items = new List<SetAsideRow>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
            items.Add(
                new SetAsideRow(
                    new SetAsideItem(
                        row.GetGuid(0),
                        row.GetGuid(1),
                        row.GetString(2),
                        row.GetInt32(3),
                        row.GetString(4),
                        row.GetDateTime(5)
                    ),
                    row.GetInt64(6)
                )
            );
        return items;
    }
}

/// <summary>An order that is set aside, as it is stored.</summary>
/// <param name="Item">What an operator sees of it.</param>
/// <param name="Position">The id of its event in the outbox; pages go on after it.</param>
internal sealed record SetAsideRow(SetAsideItem Item, long Position);
