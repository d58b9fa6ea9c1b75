using System.Globalization;

namespace GoReliable.Bench.Comparison;

/// <summary>The table, in Markdown.</summary>
internal sealed class Report(Plan plan)
{
    /// <summary>The column of this process.</summary>
    public const string Generator = "load generator and collector";

    public static readonly string Steady = string.Create(
        CultureInfo.InvariantCulture,
        $"{Plan.OrdersPerSecond} orders/s"
    );

    private static readonly string[] Costs =
    [
        "gateway",
        "orders",
        "notifications",
        "PostgreSQL",
        "RabbitMQ",
        Generator,
    ];

    private readonly List<(string Kind, string Target, Row Row)> rows = [];

    public Row Cold { private get; set; } = null!;

    public IReadOnlyDictionary<string, TimeSpan> Ready { private get; set; } = null!;

    public TimeSpan FirstOrder { private get; set; }

    /// <summary>Of each service, in MB.</summary>
    public IReadOnlyDictionary<string, Memory> Memory { private get; set; } = null!;

    /// <summary>Of each process, in percent of a processor.</summary>
    public IReadOnlyDictionary<string, double> Idle { private get; set; } = null!;

    /// <summary>From due to notified in each run, in milliseconds, the shortest first.</summary>
    public List<double[]> Notified { get; } = [];

    /// <summary>Whether every request was answered as it should be.</summary>
    public bool IsComplete => !Bad.Any();

    private IEnumerable<string> Bad =>
        rows.Append((Kind: "first orders", Target: "", Row: Cold))
            .SelectMany(measured => measured.Row.Bad.Select(bad => $"{measured.Kind} {measured.Target}: {bad}"));

    public void Add(string kind, Target target, Row row) => rows.Add((kind, target.Name, row));

    public void WriteTo(TextWriter output)
    {
        output.WriteLine(Machine.Describe(plan));
        output.WriteLine();
        output.WriteLine(Product.Note);
        output.WriteLine();
        output.WriteLine(
            $"| | requests/s | p50 ms | p99 ms | p99.9 ms |{string.Concat(Costs.Select(cost => $" {cost} µs |"))}"
        );
        output.WriteLine($"| --- |{string.Concat(Enumerable.Repeat(" ---: |", 4 + Costs.Length))}");
        foreach (var kind in rows.GroupBy(measured => measured.Kind))
        {
            // The reference was measured first, and is shown below.
            foreach (var (_, target, row) in kind.Reverse())
                output.WriteLine($"| {kind.Key}, {target} | {string.Join(" | ", Cells(row))} |");
            var (reference, product) = (kind.First().Row, kind.Last().Row);
            output.WriteLine($"| {kind.Key}, ratio | {string.Join(" | ", Ratios(product, reference))} |");
        }
        output.WriteLine();
        foreach (var line in Lines())
            output.WriteLine($"- {line}");
    }

    private static IEnumerable<string> Cells(Row row) =>
        [
            Whole(row.PerSecond),
            Fine(row.P50),
            Fine(row.P99),
            Fine(row.P999),
            .. Costs.Select(name => row.Cost.TryGetValue(name, out var cost) ? Whole(cost) : "–"),
        ];

    private static IEnumerable<string> Ratios(Row product, Row reference) =>
        [
            Ratio(product.PerSecond, reference.PerSecond),
            Ratio(product.P50, reference.P50),
            Ratio(product.P99, reference.P99),
            Ratio(product.P999, reference.P999),
            .. Costs.Select(name =>
                name != Generator && reference.Cost.TryGetValue(name, out var cost)
                    ? Ratio(product.Cost[name], cost)
                    : "–"
            ),
        ];

    private IEnumerable<string> Lines()
    {
        var orders = rows.Last(measured => measured.Kind == "orders").Row;
        yield return "from the start of all three services to ready: "
            + $"{Each(Ready, time => $"{Fine(time.TotalSeconds)} s")}; "
            + $"to the first order: {Fine(FirstOrder.TotalSeconds)} s";
        yield return $"in the first {Whole(plan.Cold.TotalSeconds)} seconds: {Whole(Cold.PerSecond)} orders/s, "
            + $"p99 {Fine(Cold.P99)} ms; "
            + $"that is {Ratio(Cold.PerSecond, orders.PerSecond)} of the orders/s above";
        yield return $"{Steady}, from due to notified: "
            + $"p50 {NotificationTime(0.5)} ms, p99 {NotificationTime(0.99)} ms, p99.9 {NotificationTime(0.999)} ms";
        var resident = Memory.ToDictionary(service => service.Key, service => service.Value.Resident);
        var together = Memory.Values.Sum(memory => memory.Proportional);
        yield return $"memory after the load: {Whole(together)} MB together, pages that they share counted once; "
            + $"resident: {Each(resident, Whole)}";
        yield return $"at rest, % of a processor: {Each(Idle, Fine)}";
        foreach (var bad in Bad)
            yield return $"**not answered as it should be**: {bad}";
    }

    private static string Each<T>(IReadOnlyDictionary<string, T> values, Func<T, string> show) =>
        string.Join(", ", values.Select(value => $"{value.Key} {show(value.Value)}"));

    private string NotificationTime(double share) => Fine(Row.Median(Notified, run => Row.Percentile(run, share)));

    private static string Whole(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Fine(double value) => value.ToString("N1", CultureInfo.InvariantCulture);

    private static string Ratio(double value, double of) =>
        of == 0 ? "–" : (value / of).ToString("N2", CultureInfo.InvariantCulture);
}
