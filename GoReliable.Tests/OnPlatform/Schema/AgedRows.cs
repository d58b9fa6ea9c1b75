using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>Rows of any table that is cleared, as old as a test wants them.</summary>
internal static class AgedRows
{
    /// <param name="database">Of the table's service.</param>
    /// <param name="table">One of orders, idempotency_keys, notifications, dead_letters and inbox.</param>
    /// <param name="at">When they were written, as SQL; <c>n</c> is the row's number.</param>
    /// <param name="rows">How many.</param>
    public static Task FillAsync(this OwnDatabase database, string table, string at, int rows) =>
        database.ExecuteAsync(
            $"""
        INSERT INTO {table switch
        {
            "orders" => "orders (id, customer_id, status, currency, items, total, created_at, updated_at, version)",
            "notifications" => "notifications (event_id, channel, order_id, customer_id, event_type, "
                + "attempts, accepted_at, sent_at)",
            "dead_letters" => "dead_letters (id, event_type, reason, attempts, redriven, dead_since, properties, body)",
            _ => table,
        }}
        SELECT {table switch
        {
            // A UUIDv7 of that time.
            "orders" => $"overlay(gen_random_uuid()::text PLACING overlay("
                + $"lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0') "
                + $"PLACING '-' FROM 9 FOR 0) FROM 1 FOR 13)::uuid, 'a', 'pending', 'EUR', '[]', 1, {at}, now(), 1",
            "notifications" => $"gen_random_uuid(), 'email', gen_random_uuid(), 'a', 'order.created', 1, now(), {at}",
            "dead_letters" => $"gen_random_uuid(), 'order.created', 'rejected', 1, 0, {at}, '', ''",
            "idempotency_keys" => $"'a', n::text, '', gen_random_uuid(), {at}",
            _ => $"gen_random_uuid(), {at}",
        }} FROM generate_series(1, {rows}) AS n;
        ANALYZE {table}
        """
        );
}
