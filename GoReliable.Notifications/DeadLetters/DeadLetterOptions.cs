using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>How long a dead letter waits for an operator, from the section <c>DeadLetters</c>.</summary>
internal sealed class DeadLetterOptions
{
    public const string Section = "DeadLetters";

    /// <summary>
    /// Deletes letters that have been dead since before <c>$1</c>, a thousand at most. Skips those that an operator is
    /// redriving. By row address, as in the inbox.
    /// </summary>
    public const string Expire = """
        -- expire dead letters
        DELETE FROM dead_letters WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM dead_letters WHERE dead_since < $1 ORDER BY dead_since LIMIT 1000 FOR UPDATE SKIP LOCKED))
        """;

    /// <summary>
    /// A letter has an address in it, so it is not kept for ever. All that time an alert asks for a decision.
    /// </summary>
    [Duration("1.00:00:00", "36525.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(90);
}
