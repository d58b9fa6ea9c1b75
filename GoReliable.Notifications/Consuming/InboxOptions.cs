using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Notifications.Consuming;

/// <summary>How long the worker remembers what it handled, from the section <c>Inbox</c>.</summary>
internal sealed class InboxOptions
{
    public const string Section = "Inbox";

    /// <summary>
    /// A message that comes again within this time is recognised. The time is longer than all retries together, and
    /// longer than an operator takes to redrive.
    /// </summary>
    [Duration("01:00:00", "365.00:00:00")]
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(7);
}
