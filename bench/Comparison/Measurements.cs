namespace GoReliable.Bench.Comparison;

/// <summary>The measurements of load, and what each costs.</summary>
internal sealed class Measurements(Plan plan, Target target, CancellationToken cancellationToken)
{
    /// <summary>Once, and as it is now.</summary>
    public Task<Row> ColdOrdersAsync() => OnceAsync(plan.Cold, perSecond: null, Order);

    public async Task WarmUpAsync()
    {
        await Load.RunAsync(target.Customers, plan.WarmUp.Orders, perSecond: null, Order, cancellationToken);
        await Load.RunAsync(target.Customers, plan.WarmUp.Reads, perSecond: null, Read, cancellationToken);
    }

    public Task<Row> OrdersAsync() => MedianAsync(perSecond: null, Order);

    public Task<Row> ReadsAsync() => MedianAsync(perSecond: null, Read);

    /// <summary>At a rate, each with an address for an e-mail. Orders are passed on once they are handled.</summary>
    public Task<Row> SteadyOrdersAsync(Func<IReadOnlyCollection<PlacedOrder>, Task> ordered) =>
        MedianAsync(
            Plan.OrdersPerSecond,
            (customer, due) => customer.Create(due, withAddress: true),
            before => ordered([.. target.Customers.Zip(before).SelectMany(one => one.First.Orders.Skip(one.Second))])
        );

    private static int Order(Customer customer, DateTime due) => customer.Create(due, withAddress: false);

    private static int Read(Customer customer, DateTime due) => customer.Read();

    private async Task<Row> MedianAsync(
        int? perSecond,
        Func<Customer, DateTime, int> request,
        Func<int[], Task>? afterwards = null
    )
    {
        var runs = new List<Row>();
        for (var run = 0; run < plan.Repetitions; run++)
        {
            int[] before = [.. target.Customers.Select(customer => customer.Orders.Count)];
            runs.Add(await OnceAsync(plan.Length, perSecond, request));
            if (afterwards is not null)
                await afterwards(before);
        }
        return Row.Median(runs);
    }

    // The cost of an order is paid when everything has been done that it leads to.
    private async Task<Row> OnceAsync(TimeSpan length, int? perSecond, Func<Customer, DateTime, int> request)
    {
        await target.WaitUntilIdleAsync();
        // This process too: what the load costs is to be known.
        Watched[] processes = [.. target.Processes, new(Report.Generator, Environment.ProcessId)];
        var before = Usage.ProcessorTime(processes);
        var load = await Load.RunAsync(target.Customers, length, perSecond, request, cancellationToken);
        await target.WaitUntilIdleAsync();
        return Row.Of(load, before, Usage.ProcessorTime(processes));
    }
}
