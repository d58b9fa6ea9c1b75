using GoReliable.Database;
using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Orders.Ordering;

/// <summary>How long orders are kept, from the section <c>Orders</c>.</summary>
internal sealed class OrderOptions
{
    public const string Section = "Orders";

    /// <summary>
    /// Deletes orders that were created before <c>$1</c>, a thousand at most. The id of an order begins with that time
    /// (UUIDv7), so the primary key finds them. By row address, as in <see cref="ExpiredRows.Sql"/>.
    /// </summary>
    public const string Expire = """
        -- expire orders
        DELETE FROM orders WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM orders
            WHERE id < (
                lpad(to_hex(greatest(extract(epoch FROM $1::timestamptz) * 1000, 0)::bigint), 12, '0')
                || repeat('0', 20))::uuid
            ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED))
        """;

    /// <summary>
    /// Counted from the order's creation. Ten years is what tax laws ask for; we know of none that asks for more.
    /// </summary>
    [Duration("30.00:00:00", "36525.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(3653);

    /// <summary>
    /// Whether orders are kept a day longer than keys. A request with a key whose order is gone could not be answered,
    /// and keys are deleted only every ten minutes.
    /// </summary>
    public bool Outlives(IdempotencyOptions keys) => Retention >= keys.Retention + TimeSpan.FromDays(1);
}
