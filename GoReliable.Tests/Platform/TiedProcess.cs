using System.Collections.Concurrent;
using System.Diagnostics;

namespace GoReliable.Tests.Platform;

/// <summary>
/// Starts processes that end with the test run, also when that is killed; without <c>setpriv</c>, only when it ends in
/// order.
/// </summary>
internal static class TiedProcess
{
    private static readonly BlockingCollection<(ProcessStartInfo Info, TaskCompletionSource<Process> Started)> Queue =
    [];

    // The death signal comes when the thread ends that started the process (prctl(2)): this one lives as long as the
    // run.
    static TiedProcess() => new Thread(Run) { IsBackground = true, Name = nameof(TiedProcess) }.Start();

    /// <summary>Starts dotnet with both outputs redirected.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables that it gets besides the tests' own.</param>
    public static Task<Process> StartDotnetAsync(
        IEnumerable<string> arguments,
        IEnumerable<KeyValuePair<string, string>> environment
    )
    {
        // By its path: the variables may hide it from setpriv.
        var dotnet = Find("dotnet") ?? "dotnet";
        var info = Find("setpriv") is { } setpriv
            ? new ProcessStartInfo(setpriv, ["--pdeathsig", "KILL", "--", dotnet, .. arguments])
            : new ProcessStartInfo(dotnet, arguments);
        info.RedirectStandardOutput = true;
        info.RedirectStandardError = true;
        foreach (var (name, value) in environment)
            info.Environment[name] = value;

        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Queue.Add((info, started));
        return started.Task;
    }

    private static void Run()
    {
        foreach (var (info, started) in Queue.GetConsumingEnumerable())
        {
            try
            {
                started.SetResult(Process.Start(info)!);
            }
            catch (Exception e)
            {
                started.SetException(e);
            }
        }
    }

    private static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);
}
