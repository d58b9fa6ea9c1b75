using System.Collections.Concurrent;
using System.Diagnostics;

namespace Aspire.Hosting.Processes;

/// <summary>
/// Starts processes so that none outlives the AppHost, not even when it is killed: the kernel then sends each its death signal.
/// That signal follows the thread that started the process, not the whole program (prctl(2), PR_SET_PDEATHSIG),
/// so all are started by one thread, which lives as long as the program.
/// </summary>
internal static class ProcessStarter
{
    private static readonly BlockingCollection<(ProcessStartInfo Info, TaskCompletionSource<Process> Started)> Queue = [];

    // setsid: a session of its own, so that Ctrl-C in the terminal reaches the AppHost only. Both tools exec: the pid stays.
    private static readonly string[] Tools = ["setsid", "setpriv"];

    static ProcessStarter() => new Thread(Run) { IsBackground = true, Name = "LocalAspire.ProcessStarter" }.Start();

    /// <summary>What prevents every start.</summary>
    public static IEnumerable<string> FindProblems()
    {
        string[] missing = [.. Tools.Where(tool => Programs.Find(tool) is null)];
        if (missing.Length > 0)
            yield return $"No process can be started without {string.Join(" and ", missing.Select(tool => $"'{tool}'"))} (package util-linux), which this machine lacks. Install it with: {Programs.Install("util-linux")}";
    }

    public static Task<Process> StartAsync(Launch launch)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        Queue.Add((Describe(launch), started));
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

    private static ProcessStartInfo Describe(Launch launch)
    {
        var info = new ProcessStartInfo(Programs.Find("setsid")!)
        {
            WorkingDirectory = launch.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        info.ArgumentList.Add(Programs.Find("setpriv")!);
        if (launch.User is { } user)
        {
            info.ArgumentList.Add($"--reuid={user.Id}");
            info.ArgumentList.Add($"--regid={user.Group}");
            info.ArgumentList.Add("--clear-groups");
        }

        info.ArgumentList.Add("--pdeathsig");
        info.ArgumentList.Add(launch.DeathSignal);
        info.ArgumentList.Add("--");
        info.ArgumentList.Add(launch.Program);
        foreach (var argument in launch.Arguments)
            info.ArgumentList.Add(argument);

        info.Environment.Clear();
        foreach (var (name, value) in launch.Environment)
            info.Environment[name] = value;

        return info;
    }
}
