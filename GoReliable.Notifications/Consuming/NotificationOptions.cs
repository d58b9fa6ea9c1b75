using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Notifications.Consuming;

/// <summary>How long customers can read what was sent to them, from the section <c>Notifications</c>.</summary>
internal sealed class NotificationOptions
{
    public const string Section = "Notifications";

    /// <summary>
    /// Deletes notifications that were sent before <c>$1</c>, a thousand at most. By row address, as in the inbox.
    /// </summary>
    public const string Expire = """
        -- expire notifications
        DELETE FROM notifications WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM notifications WHERE sent_at < $1 ORDER BY sent_at LIMIT 1000 FOR UPDATE SKIP LOCKED))
        """;

    /// <summary>
    /// After this time a notification is no longer listed. The inbox, and not this table, remembers which events were
    /// handled.
    /// </summary>
    [Duration("1.00:00:00", "36525.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(365);
}
