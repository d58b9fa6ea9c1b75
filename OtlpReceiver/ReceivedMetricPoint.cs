namespace OtlpReceiver;

/// <summary>The latest point of one series: one metric with one set of attributes, from one process.</summary>
public sealed record ReceivedMetricPoint : ReceivedItem
{
    public required string Name { get; init; }

    public required string Description { get; init; }

    /// <summary>As the instrument declared it: <c>s</c>, <c>{request}</c>; may be empty.</summary>
    public required string Unit { get; init; }

    public required MetricKind Kind { get; init; }

    /// <summary>
    /// True where a point counts since the previous point, false where it counts since <see cref="Start"/>.
    /// </summary>
    public required bool IsDelta { get; init; }

    public required DateTimeOffset Start { get; init; }

    public required DateTimeOffset Time { get; init; }

    /// <summary>The value of a gauge or counter; the sum of a distribution's observations.</summary>
    public required double Value { get; init; }

    /// <summary>How many observations a distribution has; 0 for gauges and counters.</summary>
    public required long Count { get; init; }

    /// <summary>
    /// The buckets of a <see cref="MetricKind.Histogram"/>, lowest first, each with its own count; otherwise empty.
    /// </summary>
    public required IReadOnlyList<MetricBucket> Buckets { get; init; }

    public required IReadOnlyList<MetricExemplar> Exemplars { get; init; }

    /// <summary>
    /// Whether the point has all of these attributes. Integers compare by value, whatever their type.
    /// </summary>
    public bool Has(IEnumerable<(string Key, object? Value)> attributes) =>
        attributes.All(wanted =>
            Attributes.TryGetValue(wanted.Key, out var value)
            && Equals(value, wanted.Value is int number ? (long)number : wanted.Value)
        );

    /// <summary>One line: the series with its value.</summary>
    public override string ToString()
    {
        var count = Kind is MetricKind.Gauge or MetricKind.Counter or MetricKind.UpDownCounter ? "" : $" in {Count}";
        return FormattableString.Invariant(
            $"{Name}{{{AttributeText.Of(Attributes)}}} [{Kind} {Service}] {Value} {Unit}{count}"
        );
    }

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

    Histogram,

    /// <summary>Only its sum and count are kept.</summary>
    ExponentialHistogram,

    /// <summary>Only its sum and count are kept.</summary>
    Summary,
}

/// <summary>
/// One bucket: the observations at most <paramref name="UpperBound"/> (the last is infinite) and above the bucket
/// before.
/// </summary>
public sealed record MetricBucket(double UpperBound, long Count);

/// <summary>One observation with the span it was made in; the ids are null where there was none.</summary>
public sealed record MetricExemplar(
    double Value,
    DateTimeOffset Time,
    string? TraceId,
    string? SpanId,
    IReadOnlyDictionary<string, object?> Attributes
);
