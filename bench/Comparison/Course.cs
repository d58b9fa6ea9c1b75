using System.Globalization;

namespace GoReliable.Bench.Comparison;

/// <summary>All that is measured, in its order: the platform from its start on, then the reference.</summary>
internal static class Course
{
    public static async Task<Report> RunAsync(Plan plan, Workplace workplace)
    {
        Say("Starting PostgreSQL and RabbitMQ …");
        var servers = await Servers.StartAsync(plan, workplace);
        var report = new Report(plan);
        await MeasureProductAsync(plan, workplace, servers, report);
        await MeasureReferenceAsync(plan, workplace, servers, report);
        return report;
    }

    private static async Task MeasureProductAsync(Plan plan, Workplace workplace, Servers servers, Report report)
    {
        Say("Starting the three services …");
        await using var product = await Product.StartAsync(plan, workplace, servers);
        var target = product.Target;
        var kinds = new Kinds(plan, target, workplace.Ending);

        Say($"Orders in the first {plan.Cold.TotalSeconds} seconds …");
        report.Cold = await kinds.ColdOrdersAsync();
        (report.Ready, report.FirstOrder) = (product.Ready, product.FirstOrder);
        Say("Warming up …");
        await kinds.WarmUpAsync();

        Say("Orders, as fast as they are answered …");
        report.Add("orders", target, await kinds.OrdersAsync());
        Say("Reads, as fast as they are answered …");
        report.Add("reads", target, await kinds.ReadsAsync());
        Say($"{Plan.OrdersPerSecond} orders a second, each with an e-mail …");
        report.Add(
            Report.Steady,
            target,
            await kinds.SteadyOrdersAsync(async orders => report.Notified.Add(await product.NotifiedAsync(orders)))
        );

        report.Memory = target.Services.ToDictionary(service => service.Name, Usage.Memory);
        Say("Nothing at all …");
        report.Idle = await IdleAsync(plan, target, workplace.Ending);
    }

    private static async Task MeasureReferenceAsync(Plan plan, Workplace workplace, Servers servers, Report report)
    {
        Say("Starting the reference, and warming up …");
        var reference = await Reference.StartAsync(plan, workplace, servers);
        var kinds = new Kinds(plan, reference, workplace.Ending);
        await kinds.ColdOrdersAsync();
        await kinds.WarmUpAsync();
        Say("The same of the reference …");
        report.Add("orders", reference, await kinds.OrdersAsync());
        report.Add("reads", reference, await kinds.ReadsAsync());
        report.Add(Report.Steady, reference, await kinds.SteadyOrdersAsync(_ => Task.CompletedTask));
    }

    // Of each process, in percent of a processor.
    private static async Task<Dictionary<string, double>> IdleAsync(
        Plan plan,
        Target target,
        CancellationToken cancellationToken
    )
    {
        await target.SettledAsync();
        var before = Usage.ProcessorTime(target.Processes);
        await Task.Delay(plan.Idle, cancellationToken);
        var after = Usage.ProcessorTime(target.Processes);
        return before.ToDictionary(
            process => process.Key,
            process => 100 * (after[process.Key] - process.Value) / plan.Idle.TotalMicroseconds
        );
    }

    private static void Say(string what) =>
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.Now:HH:mm:ss} {what}"));
}
