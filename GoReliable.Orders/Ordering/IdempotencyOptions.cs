using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Orders.Ordering;

/// <summary>How long an <c>Idempotency-Key</c> is remembered, from the section <c>Idempotency</c>.</summary>
internal sealed class IdempotencyOptions
{
    public const string Section = "Idempotency";

    /// <summary>
    /// Deletes keys that were first used before <c>$1</c>, a thousand at most. It deletes by row address: a join would
    /// be planned for a table of any size, and would sometimes read all of it.
    /// </summary>
    public const string Expire = """
        -- expire idempotency keys
        DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM idempotency_keys WHERE created_at < $1
                ORDER BY created_at LIMIT 1000 FOR UPDATE SKIP LOCKED))
        """;

    /// <summary>The same key within this time is the same request; later it makes another order.</summary>
    [Duration("00:01:00", "365.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(1);
}
