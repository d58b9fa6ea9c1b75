namespace OtlpReceiver;

/// <summary>How much an <see cref="OtlpEndpoint"/> remembers, and how patient it is.</summary>
public sealed record OtlpEndpointOptions
{
    /// <summary>
    /// How many spans, how many log records and how many metric series are kept; the oldest go first.
    /// </summary>
    public int Capacity { get; init; } = 20_000;

    /// <summary>How long a wait lasts before it fails and says what there is.</summary>
    public TimeSpan WaitTimeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>How many were dropped so far to stay within <see cref="OtlpEndpointOptions.Capacity"/>.</summary>
public readonly record struct DroppedCounts(long Spans, long Logs, long Series);
