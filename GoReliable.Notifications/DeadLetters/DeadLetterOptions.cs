using GoReliable.Database;
using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>How long a dead letter waits for an operator, from the section <c>DeadLetters</c>.</summary>
internal sealed class DeadLetterOptions
{
    public const string Section = "DeadLetters";

    /// <summary>Passes over those that an operator is redriving.</summary>
    public static readonly string Expire = ExpiredRows.Sql("dead_letters", "dead_since");

    /// <summary>
    /// A letter has an address in it, so it is not kept for ever. All that time an alert asks for a decision.
    /// </summary>
    [Duration("1.00:00:00", "36525.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(90);
}
