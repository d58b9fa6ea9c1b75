using System.Globalization;

namespace GoReliable.Bench.Comparison;

/// <summary>
/// All that is measured, in its order: the reference, then the platform from its start on. So the load generator's own
/// start, which takes processor time too, is over when the platform's first seconds are measured.
/// </summary>
internal static class BenchmarkRun
{
    public static async Task<Report> RunAsync(Plan plan, Workspace workspace)
    {
        LogProgress("Starting PostgreSQL and RabbitMQ …");
        var servers = await Servers.StartAsync(plan, workspace);
        var report = new Report(plan);
        await MeasureReferenceAsync(plan, workspace, servers, report);
        await MeasureProductAsync(plan, workspace, servers, report);
        return report;
    }

    private static async Task MeasureReferenceAsync(Plan plan, Workspace workspace, Servers servers, Report report)
    {
        LogProgress("Starting the reference, and warming up …");
        await using var reference = await Reference.StartAsync(plan, workspace, servers);
        var target = reference.Target;
        var measurements = new Measurements(plan, target, workspace.Ending);
        await measurements.ColdOrdersAsync();
        await measurements.WarmUpAsync();
        LogProgress("Orders and reads of the reference …");
        report.Add("orders", target, await measurements.OrdersAsync());
        report.Add("reads", target, await measurements.ReadsAsync());
        report.Add(Report.Steady, target, await measurements.SteadyOrdersAsync(_ => Task.CompletedTask));
    }

    private static async Task MeasureProductAsync(Plan plan, Workspace workspace, Servers servers, Report report)
    {
        LogProgress("Starting the three services …");
        await using var product = await Product.StartAsync(plan, workspace, servers);
        var target = product.Target;
        var measurements = new Measurements(plan, target, workspace.Ending);

        LogProgress($"Orders in the first {plan.Cold.TotalSeconds} seconds …");
        report.Cold = await measurements.ColdOrdersAsync();
        (report.Ready, report.FirstOrder) = (product.Ready, product.FirstOrder);
        LogProgress("Warming up …");
        await measurements.WarmUpAsync();

        LogProgress("Orders, as fast as they are answered …");
        report.Add("orders", target, await measurements.OrdersAsync());
        LogProgress("Reads, as fast as they are answered …");
        report.Add("reads", target, await measurements.ReadsAsync());
        LogProgress($"{Plan.OrdersPerSecond} orders a second, each with an e-mail …");
        report.Add(
            Report.Steady,
            target,
            await measurements.SteadyOrdersAsync(async orders =>
                report.Notified.Add(await product.NotifiedAsync(orders))
            )
        );

        report.Memory = target.Services.ToDictionary(service => service.Name, Usage.Memory);
        LogProgress("Nothing at all …");
        report.Idle = await IdleAsync(plan, target, workspace.Ending);
    }

    // Of each process, in percent of a processor.
    private static async Task<Dictionary<string, double>> IdleAsync(
        Plan plan,
        Target target,
        CancellationToken cancellationToken
    )
    {
        await target.WaitUntilIdleAsync();
        var before = Usage.ProcessorTime(target.Processes);
        await Task.Delay(plan.Idle, cancellationToken);
        var after = Usage.ProcessorTime(target.Processes);
        return before.ToDictionary(
            process => process.Key,
            process => 100 * (after[process.Key] - process.Value) / plan.Idle.TotalMicroseconds
        );
    }

    private static void LogProgress(string what) =>
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.Now:HH:mm:ss} {what}"));
}
