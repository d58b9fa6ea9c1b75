using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using GoReliable.Bench.Comparison;
using Npgsql;

[assembly: SupportedOSPlatform("linux")]

// From bench/compare, which has looked at what it was given.
var plan = new Plan(
    Repository: args[0],
    Published: args[1],
    Seconds: int.Parse(args[2], null),
    Connections: int.Parse(args[3], null),
    Runs: int.Parse(args[4], null),
    Without: args[5].Split(',', StringSplitOptions.RemoveEmptyEntries).ToHashSet(),
    Smoke: args[6].Length > 0
);

using var interrupted = new CancellationTokenSource();
void Interrupt(PosixSignalContext signal)
{
    signal.Cancel = true;
    interrupted.Cancel();
}
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);

await using var workspace = new Workspace(interrupted.Token);
try
{
    var report = await BenchmarkRun.RunAsync(plan, workspace);
    report.WriteTo(Console.Out);
    return report.IsComplete ? 0 : 1;
}
catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
{
    Console.Error.WriteLine("Stopped.");
    return 130;
}
catch (Exception exception) when (exception is BenchmarkException or OperationCanceledException or NpgsqlException)
{
    Console.Error.WriteLine(await workspace.FindFailureAsync() ?? exception.Message);
    return 1;
}
