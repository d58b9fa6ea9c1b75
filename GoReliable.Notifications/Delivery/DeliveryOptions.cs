using System.ComponentModel.DataAnnotations;

namespace GoReliable.Notifications.Delivery;

/// <summary>Limits of a delivery, from the section <c>Delivery</c>.</summary>
internal sealed class DeliveryOptions
{
    public const string Section = "Delivery";

    /// <summary>How long one attempt may take; longer counts as a transient failure.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:05:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}
