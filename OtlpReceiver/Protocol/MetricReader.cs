namespace OtlpReceiver.Protocol;

/// <summary>From OTLP's metrics to <see cref="ReceivedMetricPoint"/>.</summary>
internal static class MetricReader
{
    public static IEnumerable<ReceivedMetricPoint> Read(MetricsRequest request) =>
        from sender in request.ResourceMetrics
        let resource = Values.Read(sender.Resource?.Attributes)
        from source in sender.ScopeMetrics
        from metric in source.Metrics
        from point in Read(metric, resource, source.Scope?.Name ?? "")
        select point;

    private static IEnumerable<ReceivedMetricPoint> Read(
        Metric metric,
        IReadOnlyDictionary<string, object?> resource,
        string scope
    )
    {
        // What a point has from its metric; each kind fills in the rest with its numbers.
        var empty = new ReceivedMetricPoint
        {
            Resource = resource,
            Scope = scope,
            Name = metric.Name,
            Description = metric.Description,
            Unit = metric.Unit,
            Kind = Kind(metric),
            IsDelta = Temporality(metric) == Protocol.Temporality.Delta,
            Attributes = Values.Read(attributes: null),
            Start = default,
            Time = default,
            Value = 0,
            Count = 0,
            Buckets = [],
            Exemplars = [],
        };

        return metric.DataCase switch
        {
            Metric.DataOneofCase.Gauge => metric.Gauge.Points.Select(point => Read(empty, point)),
            Metric.DataOneofCase.Sum => metric.Sum.Points.Select(point => Read(empty, point)),
            Metric.DataOneofCase.Histogram => metric.Histogram.Points.Select(point => Read(empty, point)),
            Metric.DataOneofCase.ExponentialHistogram => metric.ExponentialHistogram.Points.Select(point =>
                Read(empty, point)
            ),
            Metric.DataOneofCase.Summary => metric.Summary.Points.Select(point => Read(empty, point)),
            _ => [],
        };
    }

    private static ReceivedMetricPoint Read(ReceivedMetricPoint empty, NumberPoint point) =>
        empty with
        {
            Attributes = Values.Read(point.Attributes),
            Start = Values.Time(point.StartTimeUnixNano),
            Time = Values.Time(point.TimeUnixNano),
            Value = point.ValueCase == NumberPoint.ValueOneofCase.Integer ? point.Integer : point.Number,
            Exemplars = [.. point.Exemplars.Select(Read)],
        };

    private static ReceivedMetricPoint Read(ReceivedMetricPoint empty, HistogramPoint point) =>
        empty with
        {
            Attributes = Values.Read(point.Attributes),
            Start = Values.Time(point.StartTimeUnixNano),
            Time = Values.Time(point.TimeUnixNano),
            Value = point.Sum,
            Count = (long)point.Count,
            Buckets = Buckets(point),
            Exemplars = [.. point.Exemplars.Select(Read)],
        };

    private static ReceivedMetricPoint Read(ReceivedMetricPoint empty, ExponentialHistogramPoint point) =>
        empty with
        {
            Attributes = Values.Read(point.Attributes),
            Start = Values.Time(point.StartTimeUnixNano),
            Time = Values.Time(point.TimeUnixNano),
            Value = point.Sum,
            Count = (long)point.Count,
            Exemplars = [.. point.Exemplars.Select(Read)],
        };

    private static ReceivedMetricPoint Read(ReceivedMetricPoint empty, SummaryPoint point) =>
        empty with
        {
            Attributes = Values.Read(point.Attributes),
            Start = Values.Time(point.StartTimeUnixNano),
            Time = Values.Time(point.TimeUnixNano),
            Value = point.Sum,
            Count = (long)point.Count,
        };

    private static MetricExemplar Read(Exemplar exemplar) =>
        new(
            exemplar.ValueCase == Exemplar.ValueOneofCase.Integer ? exemplar.Integer : exemplar.Number,
            Values.Time(exemplar.TimeUnixNano),
            Values.OptionalId(exemplar.TraceId),
            Values.OptionalId(exemplar.SpanId),
            Values.Read(exemplar.Attributes)
        );

    private static IReadOnlyList<MetricBucket> Buckets(HistogramPoint point) =>
        [
            .. point.BucketCounts.Select(
                (count, index) =>
                    new MetricBucket(
                        index < point.Bounds.Count ? point.Bounds[index] : double.PositiveInfinity,
                        (long)count
                    )
            ),
        ];

    private static MetricKind Kind(Metric metric) =>
        metric.DataCase switch
        {
            Metric.DataOneofCase.Sum => metric.Sum.IsMonotonic ? MetricKind.Counter : MetricKind.UpDownCounter,
            Metric.DataOneofCase.Histogram => MetricKind.Histogram,
            Metric.DataOneofCase.ExponentialHistogram => MetricKind.ExponentialHistogram,
            Metric.DataOneofCase.Summary => MetricKind.Summary,
            _ => MetricKind.Gauge,
        };

    private static Temporality Temporality(Metric metric) =>
        metric.DataCase switch
        {
            Metric.DataOneofCase.Sum => metric.Sum.Temporality,
            Metric.DataOneofCase.Histogram => metric.Histogram.Temporality,
            Metric.DataOneofCase.ExponentialHistogram => metric.ExponentialHistogram.Temporality,
            _ => Protocol.Temporality.Unspecified,
        };
}
