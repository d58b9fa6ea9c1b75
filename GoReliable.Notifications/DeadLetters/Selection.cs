namespace GoReliable.Notifications.DeadLetters;

/// <summary>Which dead letters an operator means.</summary>
/// <param name="Ids">These letters; null for all.</param>
/// <param name="Reason">Only letters with this reason; null for any.</param>
/// <param name="UpTo">
/// The last position that is selected. Letters that come back after the first call, because their cause is not
/// repaired, are beyond it.
/// </param>
internal sealed record Selection(Guid[]? Ids, string? Reason, long UpTo);
