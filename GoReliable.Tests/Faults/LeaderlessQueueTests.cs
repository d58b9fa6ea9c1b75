using System.Diagnostics;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Faults;

/// <summary>
/// A quorum queue without a leader, as when most of a cluster's nodes are away: it takes no message, confirms none and
/// delivers none, while the broker answers everything else.
/// </summary>
[Collection(SharedPlatform.Name)]
public sealed class LeaderlessQueueTests(SharedPlatform shared)
{
    private const string Queue = "{list_to_atom(\"%2F_notifications\"), node()}";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task Orders_are_taken_while_the_queue_has_no_leader_and_told_once_when_it_has_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && platform.ProcessId("messaging") is not null, "Only a broker that is a process of this machine can be asked to stop a queue's leader.");
        using var customer = platform.Client("leaderless");
        var orders = new List<Guid> { await customer.CreateAsync() };
        await customer.WaitForNotificationsAsync(orders[0]);

        var begun = DateTimeOffset.UtcNow;
        await EvaluateAsync($"ok = ra:stop_server(quorum_queues, {Queue}).");
        try
        {
            for (var i = 0; i < 30; i++)
                orders.Add(await customer.CreateAsync());
            await platform.Telemetry.WaitForLogAsync(log => log.Time > begun && log.EventName == "outbox.relay_interrupted" && (string?)log["Reason"] == "The operation has timed out.", TestContext.Current.CancellationToken);
        }
        finally
        {
            await EvaluateAsync($"ok = ra:restart_server(quorum_queues, {Queue}).");
        }

        foreach (var order in orders)
            Assert.Single(await customer.WaitForNotificationsAsync(order));
    }

    // With the broker's own environment, which says where its node is and what its secret.
    private async Task EvaluateAsync(string expression)
    {
        var program = Directory.GetFiles("/usr/lib/rabbitmq/lib", "rabbitmqctl", SearchOption.AllDirectories).First(path => path.Contains("/sbin/", StringComparison.Ordinal));
        var start = new ProcessStartInfo(program, ["eval", expression]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Clear();
        foreach (var variable in (await File.ReadAllTextAsync($"/proc/{platform.ProcessId("messaging")}/environ", TestContext.Current.CancellationToken)).Split('\0').Select(text => text.Split('=', 2)).Where(pair => pair.Length == 2))
            start.Environment[variable[0]] = variable[1];
        start.WorkingDirectory = start.Environment["HOME"]!;
        start.ArgumentList.Insert(0, start.Environment["RABBITMQ_NODENAME"]!);
        start.ArgumentList.Insert(0, "-n");

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{expression}: {await output} {await error}");
    }
}
