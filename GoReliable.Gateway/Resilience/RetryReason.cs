namespace GoReliable.Gateway.Resilience;

/// <summary>Why a request is sent again; a label of metrics.</summary>
internal static class RetryReason
{
    /// <summary>No connection: nothing was sent.</summary>
    public const string Unreachable = "unreachable";

    /// <summary>The connection broke off before an answer.</summary>
    public const string BrokenOff = "broken_off";

    /// <summary>No answer in the time of one try.</summary>
    public const string Timeout = "timeout";

    /// <summary>The answer was 502, 503 or 504.</summary>
    public const string Unavailable = "unavailable";

    /// <summary>An earlier try of this request is still being worked on.</summary>
    public const string InFlight = "in_flight";

    public static readonly string[] All = [Unreachable, BrokenOff, Timeout, Unavailable, InFlight];
}
