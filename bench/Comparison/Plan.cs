namespace GoReliable.Bench.Comparison;

/// <summary>
/// What was asked for. Each program is published in a folder by its name, each connection belongs to another customer,
/// and in a smoke test only correct responses matter, not figures.
/// </summary>
internal sealed record Plan(
    string Repository,
    string Published,
    int Seconds,
    int Connections,
    int Runs,
    IReadOnlySet<string> Without,
    bool Smoke
)
{
    /// <summary>The rate of the open-loop load.</summary>
    public const int OrdersPerSecond = 200;

    public TimeSpan Length => TimeSpan.FromSeconds(Smoke ? 2 : Seconds);

    public int Repetitions => Smoke ? 1 : Runs;

    /// <summary>How long the platform is measured from the moment it is ready.</summary>
    public TimeSpan Cold => TimeSpan.FromSeconds(Smoke ? 2 : 10);

    /// <summary>Load that nobody measures, of orders and then of reads: with the cold part, a minute.</summary>
    public (TimeSpan Orders, TimeSpan Reads) WarmUp =>
        Smoke ? (default, default) : (TimeSpan.FromSeconds(35), TimeSpan.FromSeconds(15));

    public TimeSpan Idle => TimeSpan.FromSeconds(Smoke ? 2 : 10);
}

/// <summary>Something is wrong that a sentence can say.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);
