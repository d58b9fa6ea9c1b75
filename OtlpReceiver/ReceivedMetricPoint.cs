namespace OtlpReceiver;

/// <summary>The latest point of one series: one metric with one set of attributes, from one process.</summary>
public sealed record ReceivedMetricPoint : ReceivedItem
{
    public required string Name { get; init; }

    /// <summary>As the instrument declared it: <c>s</c>, <c>{request}</c>; may be empty.</summary>
    public required string Unit { get; init; }

    public required MetricKind Kind { get; init; }

    /// <summary>The value of a gauge or counter; the sum of a histogram's observations.</summary>
    public double Value { get; init; }

    /// <summary>The buckets of a histogram, lowest first, each with its own count; otherwise empty.</summary>
    public IReadOnlyList<MetricBucket> Buckets { get; init; } = [];

    /// <summary>One line: the series with its value.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"{Name}{{{AttributeText.Of(Attributes)}}} [{Kind} {Service}] {Value} {Unit}");

    internal string SeriesKey =>
        string.Join('\n', AttributeText.Of(Resource), Scope, Name, AttributeText.Of(Attributes));
}

/// <summary>What kind of instrument a point comes from.</summary>
public enum MetricKind
{
    Gauge,

    /// <summary>A sum that only grows.</summary>
    Counter,

    /// <summary>A sum that may also fall.</summary>
    UpDownCounter,

    /// <summary>With the buckets that its instrument names; those of an exponential histogram are not read.</summary>
    Histogram,
}

/// <summary>
/// One bucket: the observations at most <paramref name="UpperBound"/> (the last is infinite) and above the bucket
/// before.
/// </summary>
public sealed record MetricBucket(double UpperBound, long Count);
