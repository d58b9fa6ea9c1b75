namespace GoReliable.Notifications.Messages;

/// <summary>Proof of a delivery.</summary>
internal sealed record Receipt(string Channel, DateTimeOffset SentAt)
{
    /// <summary>
    /// Whether the answer to its commit was lost, so that it is unknown whether the receipt is stored.
    /// </summary>
    public bool IsInDoubt { get; set; }
}
