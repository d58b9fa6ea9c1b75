namespace GoReliable.Orders.Outbox;

/// <summary>What became of a message that was to be published.</summary>
/// <param name="Kind">Which of five.</param>
/// <param name="Reason">Why it was not taken. The text is the same for all messages with this reason.</param>
internal sealed record PublishOutcome(PublishKind Kind, string Reason = "")
{
    public bool IsConfirmed => Kind == PublishKind.Confirmed;

    /// <summary>Whether the broker works, but did not take this message.</summary>
    public bool IsFailed => Kind is PublishKind.Refused or PublishKind.Failed;
}

/// <summary>See <see cref="PublishOutcome"/>.</summary>
internal enum PublishKind
{
    /// <summary>A quorum of the broker's nodes has it.</summary>
    Confirmed,

    /// <summary>A queue does not take more now.</summary>
    Refused,

    /// <summary>No queue wants it, or it cannot be published as it is.</summary>
    Failed,

    /// <summary>It was not published, because an earlier event of its order failed.</summary>
    HeldBack,

    /// <summary>
    /// Unknown: the channel was closed because of this message, because of another, or with the connection; or the
    /// broker did not answer.
    /// </summary>
    Unknown,
}
