using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace GoReliable.Bench.Comparison;

/// <summary>
/// A process that writes into a log file, and does not outlive this one, also when this one is killed.
/// </summary>
internal sealed class TiedProcess
{
    private const int LastLines = 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // The kernel sends the signal when the thread ends that started the process (prctl(2)): this one never does.
    private static readonly BlockingCollection<Action> Starts = [];

    private readonly Process process;
    private readonly string name;
    private readonly string log;
    private readonly string stopSignal;

    static TiedProcess() =>
        new Thread(() =>
        {
            foreach (var start in Starts.GetConsumingEnumerable())
                start();
        })
        {
            IsBackground = true,
            Name = nameof(TiedProcess),
        }.Start();

    private TiedProcess(string name, string log, string stopSignal, Process process)
    {
        (this.name, this.log, this.stopSignal, this.process) = (name, log, stopSignal, process);
        Ended = process.WaitForExitAsync();
    }

    public int Id => process.Id;

    public Task Ended { get; }

    public int ExitCode => process.ExitCode;

    /// <summary>Whether its end is wanted.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>That it has ended, and the last that it wrote.</summary>
    public string EndReport =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{name} ended with exit code {process.ExitCode}. Its last lines:\n"
                + $"{string.Join('\n', File.ReadLines(log).TakeLast(LastLines))}"
        );

    public static TiedProcess Start(
        string name,
        string stopSignal,
        string[] command,
        IEnumerable<(string Name, string Value)> environment,
        string folder
    )
    {
        var log = Path.Combine(folder, $"{name}.log");
        // .NET can only redirect to pipes, which somebody would have to read.
        string[] tied = ["--pdeathsig", stopSignal, "--", "bash", "-c", "exec \"$@\" >>\"$0\" 2>&1", log, .. command];
        var info = new ProcessStartInfo("setpriv", tied) { WorkingDirectory = folder };
        info.Environment.Clear();
        info.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        foreach (var (variable, value) in environment)
            info.Environment[variable] = value;

        var started = new TaskCompletionSource<Process>();
        Starts.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(info)!);
            }
            catch (Exception exception)
            {
                started.SetException(exception);
            }
        });
        return new TiedProcess(name, log, stopSignal, started.Task.GetAwaiter().GetResult());
    }

    /// <summary>Ends it.</summary>
    public async Task StopAsync()
    {
        // A process that ended by itself stays a failure.
        if (Ended.IsCompleted)
            return;
        IsStopping = true;
        using (var kill = Process.Start("kill", [$"-{stopSignal}", $"{process.Id}"]))
            await kill.WaitForExitAsync();
        try
        {
            await Ended.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            process.Kill();
            await Ended;
        }
    }
}
