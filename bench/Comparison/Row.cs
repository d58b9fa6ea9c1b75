namespace GoReliable.Bench.Comparison;

/// <summary>
/// One kind of request, measured: percentiles in milliseconds, and the cost of each process, by its name, in
/// microseconds of processor time for each request.
/// </summary>
internal sealed record Row(
    double PerSecond,
    double P50,
    double P99,
    double P999,
    IReadOnlyDictionary<string, double> Cost,
    IReadOnlyList<string> Bad
)
{
    private const double MicrosecondsPerMillisecond = 1000;

    public static Row Of(
        LoadResult load,
        IReadOnlyDictionary<string, double> before,
        IReadOnlyDictionary<string, double> after
    )
    {
        double Share(double share) => Percentile(load.Latencies, share) / MicrosecondsPerMillisecond;
        return new Row(
            load.PerSecond,
            Share(0.5),
            Share(0.99),
            Share(0.999),
            before.ToDictionary(
                process => process.Key,
                process => (after[process.Key] - process.Value) / Math.Max(1, load.Latencies.Length)
            ),
            [.. load.Bad.Select(bad => $"{bad.Value} of {load.Latencies.Length} with {Describe(bad.Key)}")]
        );
    }

    /// <summary>The median of each figure.</summary>
    public static Row Median(IReadOnlyList<Row> rows) =>
        new(
            Median(rows, row => row.PerSecond),
            Median(rows, row => row.P50),
            Median(rows, row => row.P99),
            Median(rows, row => row.P999),
            rows[0].Cost.Keys.ToDictionary(name => name, name => Median(rows, row => row.Cost[name])),
            [.. rows.SelectMany(row => row.Bad)]
        );

    /// <summary>The one in the middle of some values; of an even number, the mean of the two.</summary>
    public static double Median<T>(IEnumerable<T> of, Func<T, double> value)
    {
        double[] sorted = [.. of.Select(value).Order()];
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>The value that a share of the sorted values does not exceed; 0 where there are none.</summary>
    public static double Percentile<T>(T[] sorted, double share)
        where T : IConvertible =>
        sorted is [] ? 0 : sorted[(int)Math.Ceiling(share * sorted.Length) - 1].ToDouble(null);

    private static string Describe(int status) => status == HttpConnection.NoAnswer ? "no answer" : $"status {status}";
}
