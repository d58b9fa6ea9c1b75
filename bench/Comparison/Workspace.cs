using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace GoReliable.Bench.Comparison;

/// <summary>
/// The processes of a run, and the folder where they keep their files. Nothing of it outlives the run.
/// </summary>
internal sealed class Workspace : IAsyncDisposable
{
    private readonly List<TiedProcess> processes = [];
    private readonly CancellationTokenSource ending;

    /// <param name="interrupted">Cancelled when somebody wants the run to end.</param>
    public Workspace(CancellationToken interrupted)
    {
        ending = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        // As the AppHost names its own: one that was left behind is removed by the next ./run.
        var name = string.Create(
            CultureInfo.InvariantCulture,
            $"goreliable-{Environment.ProcessId}-{Guid.NewGuid():N}"
        );
        Folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), name), Enter).FullName;
        // While this file and this process exist, the server scripts do not remove the folder.
        File.WriteAllText(Path.Combine(Folder, "in-use"), "");
    }

    public string Folder { get; }

    /// <summary>Cancelled when the run is to end, also because a process has ended.</summary>
    public CancellationToken Ending => ending.Token;

    // PostgreSQL may run as another user, who has to get through.
    private static UnixFileMode Enter =>
        UnixFileMode.UserRead
        | UnixFileMode.UserWrite
        | UnixFileMode.UserExecute
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherExecute;

    /// <summary>A port of the loopback interface that nobody listens on now.</summary>
    public static int FreePort()
    {
        while (true)
        {
            // Not one that the system gives to whoever connects somewhere.
            var port = Random.Shared.Next(10_000, 32_768);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody listens there.
            }
        }
    }

    /// <summary>Starts a process; when it ends before it is stopped, the run ends.</summary>
    /// <param name="name">For people, and of its log.</param>
    /// <param name="stopSignal">The signal that ends it, also when this process is killed.</param>
    /// <param name="command">With its arguments.</param>
    /// <param name="environment">All of its variables but <c>PATH</c>.</param>
    public TiedProcess Start(
        string name,
        string stopSignal,
        string[] command,
        IEnumerable<(string Name, string Value)> environment
    )
    {
        var process = TiedProcess.Start(name, stopSignal, command, environment, Folder);
        processes.Add(process);
        _ = WatchAsync(process);
        return process;
    }

    /// <summary>Runs a process to its end.</summary>
    /// <exception cref="BenchmarkException">Its exit code is not 0.</exception>
    public async Task RunAsync(string name, string[] command, IEnumerable<(string Name, string Value)> environment)
    {
        var process = TiedProcess.Start(name, "KILL", command, environment, Folder);
        processes.Add(process);
        await process.Ended.WaitAsync(Ending);
        if (process.ExitCode != 0)
            throw new BenchmarkException(process.EndReport);
        processes.Remove(process);
    }

    /// <summary>Which process has ended that should not have, with its last lines; null if none has.</summary>
    public async Task<string?> FindFailureAsync()
    {
        // What its end breaks may be seen before the end itself.
        var wanted = processes.FindAll(process => !process.IsStopping);
        await Task.WhenAny([.. wanted.Select(process => process.Ended), Task.Delay(TimeSpan.FromSeconds(1))]);
        return wanted.Find(process => process.Ended.IsCompleted)?.EndReport;
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(processes.Select(process => process.StopAsync()));
        ending.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task WatchAsync(TiedProcess process)
    {
        await process.Ended;
        if (!process.IsStopping && !Ending.IsCancellationRequested)
            await ending.CancelAsync();
    }
}
