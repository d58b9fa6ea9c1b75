namespace GoReliable.Notifications.Messages;

/// <summary>Why a message could not be handled.</summary>
/// <param name="Permanent">Whether trying again is pointless.</param>
/// <param name="Reason">
/// One word, from a closed set, for an operator who looks at the dead letters. There, a failure that is not permanent
/// has <see cref="RetriesExhausted"/>.
/// </param>
/// <param name="Type">The exception's type.</param>
/// <param name="Summary">
/// What went wrong, without personal data or anything from the body: it goes to logs and spans.
/// </param>
/// <param name="Detail">
/// The exception's own message, which may quote the body or name the recipient: it goes to the dead letter only.
/// </param>
internal sealed record Failure(bool Permanent, string Reason, string Type, string Summary, string Detail)
{
    public const string RetriesExhausted = "retries_exhausted";

    /// <summary>The worker's process ended each time when it read the message.</summary>
    public const string Fatal = "fatal";

    /// <summary>The client library cannot decode its properties.</summary>
    public const string Undecodable = "undecodable";

    /// <summary>Larger than what is consumed.</summary>
    public const string TooLarge = "too_large";

    public static Failure Poison(string reason, string summary, Exception? exception = null, string? detail = null) =>
        new(
            Permanent: true,
            reason,
            exception?.GetType().FullName ?? "",
            summary,
            detail ?? exception?.Message ?? summary
        );

    /// <summary>
    /// A defect of our code or of the message. Trying the message again alone shows which of the two.
    /// </summary>
    public static Failure Defect(Exception exception) =>
        new(
            Permanent: false,
            RetriesExhausted,
            exception.GetType().FullName!,
            $"Unexpected {exception.GetType().Name}.",
            exception.Message
        );
}
