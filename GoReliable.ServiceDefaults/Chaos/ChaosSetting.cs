using GoReliable.ServiceDefaults.Configuration;

namespace GoReliable.ServiceDefaults.Chaos;

/// <summary>The setting of one switch.</summary>
internal sealed record ChaosSetting
{
    private static readonly TimeSpan LongestLatency = TimeSpan.FromMinutes(1);

    /// <summary>Share of the calls that are delayed, 0 to 1: all, if not given.</summary>
    public double LatencyRate { get; init; } = 1;

    /// <summary>How long they are delayed, up to a minute; none, if not given.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Share of the calls that fail, 0 to 1; none, if not given.</summary>
    public double FaultRate { get; init; }

    public bool IsOn => FaultRate > 0 || (Latency > TimeSpan.Zero && LatencyRate > 0);

    /// <summary>What is wrong with it, or null.</summary>
    public string? FindMistake() =>
        LatencyRate is not (>= 0 and <= 1) ? $"{nameof(LatencyRate)} is {LatencyRate}, but must be from 0 to 1."
        : FaultRate is not (>= 0 and <= 1) ? $"{nameof(FaultRate)} is {FaultRate}, but must be from 0 to 1."
        : DurationAttribute.FindMistake(nameof(Latency), Latency, TimeSpan.Zero, LongestLatency);
}
