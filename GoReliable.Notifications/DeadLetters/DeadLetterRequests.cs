using System.Text.Json.Serialization;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>Which dead letters an operator means: some by their ids, or all.</summary>
/// <param name="Ids">1 to 1,000 ids.</param>
/// <param name="All">True instead of ids.</param>
/// <param name="Reason">Only those with this reason.</param>
/// <param name="UpTo">From the answer to an earlier call, to go on with what was selected then.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal record DeadLetterSelection(Guid[]? Ids, bool? All, string? Reason, long? UpTo)
{
    private const int MaxIds = 1000;

    /// <returns>What is wrong with it, if anything.</returns>
    public virtual string? FindMistake() =>
        (Ids, All, UpTo) switch
        {
            (null, not true, _) => "Send ids, or all: true.",
            (not null, true, _) => "Send either ids or all: true, not both.",
            ({ Length: 0 or > MaxIds }, _, _) => $"ids must be 1 to {MaxIds}.",
            (_, _, < 0) => "upTo must come from the answer to an earlier call.",
            _ when Reason is { Length: 0 or > 255 } || Reason?.Contains('\0') == true =>
                "reason must be 1 to 255 characters.",
            _ => null,
        };
}

/// <summary>Which dead letters are to be put back, and how fast.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record RedriveRequest(Guid[]? Ids, bool? All, string? Reason, long? UpTo)
    : DeadLetterSelection(Ids, All, Reason, UpTo)
{
    public const int DefaultPerSecond = 100;
    private const int MaxPerSecond = 1000;

    /// <summary>1 to 1,000 a second; 100 if not given.</summary>
    public int? PerSecond { get; init; }

    public override string? FindMistake() =>
        base.FindMistake()
        ?? (PerSecond is < 1 or > MaxPerSecond ? $"perSecond must be from 1 to {MaxPerSecond}." : null);
}

/// <summary>What a call did.</summary>
/// <param name="Done">Letters that left.</param>
/// <param name="Remaining">
/// Selected letters that are still there: the call ended before their turn, or another operator handles them now.
/// </param>
/// <param name="UpTo">Send it with the next call, to go on.</param>
internal sealed record BulkResult(int Done, long Remaining, long UpTo);
