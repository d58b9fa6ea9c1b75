namespace GoReliable.Notifications.DeadLetters;

/// <summary>Which dead letters an operator means.</summary>
/// <param name="Ids">These; null for all.</param>
/// <param name="Reason">Of all, those with this reason.</param>
/// <param name="UpTo">
/// Up to this position. Letters that come back after the first call, because their cause is not mended, are not met again.
/// </param>
internal sealed record Selection(Guid[]? Ids, string? Reason, long UpTo);
