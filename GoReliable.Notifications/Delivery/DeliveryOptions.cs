using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.Notifications.Delivery;

/// <summary>Limits of a delivery, from the section <c>Delivery</c>.</summary>
internal sealed class DeliveryOptions
{
    public const string Section = "Delivery";

    /// <summary>
    /// How long a connection may take to be ready, and after that, how long everything up to the end of the e-mail may
    /// take. Longer counts as a transient failure. The mail server always has ten minutes for its final answer,
    /// whatever is set here. Twice four minutes leave enough of the broker's half hour: see
    /// <see cref="WaitingRoom{T}"/>.
    /// </summary>
    [Duration("00:00:00.100", "00:04:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}
