namespace GoReliable.ServiceDefaults.Problems;

/// <summary>
/// A change was sent to a server whose answer did not come: it may be done or not. Answered with 504, not with the 503
/// that invites the client to send the request again.
/// </summary>
/// <param name="cause">What came instead of an answer.</param>
public sealed class OutcomeUnknownException(Exception cause)
    : Exception($"Whether the change was made is unknown: {cause.Message}", cause);
