using GoReliable.Database;
using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Orders.Ordering;

/// <summary>How long an <c>Idempotency-Key</c> is remembered, from the section <c>Idempotency</c>.</summary>
internal sealed class IdempotencyOptions
{
    public const string Section = "Idempotency";

    public static readonly string Expire = ExpiredRows.Sql("idempotency_keys", "created_at");

    /// <summary>The same key within this time is the same request; later it makes another order.</summary>
    [Duration("00:01:00", "365.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(1);
}
