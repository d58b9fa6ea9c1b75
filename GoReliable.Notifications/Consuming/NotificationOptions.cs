using GoReliable.Database;
using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Notifications.Consuming;

/// <summary>How long customers can read what was sent to them, from the section <c>Notifications</c>.</summary>
internal sealed class NotificationOptions
{
    public const string Section = "Notifications";

    public static readonly string Expire = ExpiredRows.Sql("notifications", "sent_at");

    /// <summary>
    /// After this time a notification is no longer listed. The inbox, and not this table, remembers which events were
    /// handled.
    /// </summary>
    [Duration("1.00:00:00", "36525.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(365);
}
