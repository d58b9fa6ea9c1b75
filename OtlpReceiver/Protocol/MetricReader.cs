using Google.Protobuf.Collections;

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
        return metric.DataCase switch
        {
            Metric.DataOneofCase.Gauge => Numbers(MetricKind.Gauge, metric.Gauge.Points),
            Metric.DataOneofCase.Sum => Numbers(
                metric.Sum.IsMonotonic ? MetricKind.Counter : MetricKind.UpDownCounter,
                metric.Sum.Points
            ),
            Metric.DataOneofCase.Histogram => metric.Histogram.Points.Select(point =>
                Point(MetricKind.Histogram, point.Attributes) with
                {
                    Value = point.Sum,
                    Buckets = Buckets(point),
                }
            ),
            _ => [],
        };

        IEnumerable<ReceivedMetricPoint> Numbers(MetricKind kind, IEnumerable<NumberPoint> points) =>
            points.Select(point =>
                Point(kind, point.Attributes) with
                {
                    Value = point.ValueCase == NumberPoint.ValueOneofCase.Integer ? point.Integer : point.Number,
                }
            );

        ReceivedMetricPoint Point(MetricKind kind, RepeatedField<KeyValue> attributes) =>
            new()
            {
                Resource = resource,
                Scope = scope,
                Name = metric.Name,
                Unit = metric.Unit,
                Kind = kind,
                Attributes = Values.Read(attributes),
            };
    }

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
}
