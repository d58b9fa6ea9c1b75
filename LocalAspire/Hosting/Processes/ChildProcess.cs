using System.Diagnostics;

namespace Aspire.Hosting.Processes;

/// <summary>A running process.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly Launch _launch;
    private volatile bool _hasExited;

    private ChildProcess(Process process, Launch launch, Action<string> output)
    {
        _process = process;
        _launch = launch;
        Id = process.Id;
        Exited = WaitForExitAsync(output);
    }

    public int Id { get; }

    /// <summary>Ends with the exit code, after all output was read.</summary>
    public Task<int> Exited { get; }

    public static async Task<ChildProcess> StartAsync(Launch launch, Action<string> output)
    {
        var process = await ProcessStarter.StartAsync(launch);
        process.StandardInput.Close();
        return new ChildProcess(process, launch, output);
    }

    /// <summary>Runs a process to its end.</summary>
    /// <exception cref="DistributedApplicationException">Its exit code is not 0; the message has its output.</exception>
    public static async Task RunToEndAsync(Launch launch, CancellationToken cancellationToken)
    {
        var output = new List<string>();
        using var process = await StartAsync(launch, line =>
        {
            lock (output)
                output.Add(line);
        });
        await using var kill = cancellationToken.Register(process.Kill);
        var exitCode = await process.Exited;
        cancellationToken.ThrowIfCancellationRequested();
        if (exitCode != 0)
            throw new DistributedApplicationException($"{launch.Program} ended with exit code {exitCode}: {string.Join(Environment.NewLine, output.TakeLast(20))}");
    }

    /// <summary>Asks the process to stop, and kills it when it has not done so in time; without any time, kills it at once.</summary>
    public async Task StopAsync(TimeSpan grace, CancellationToken killNow)
    {
        if (grace > TimeSpan.Zero)
            Signal(_launch.StopSignal, _launch.StopWholeGroup);

        try
        {
            await Exited.WaitAsync(grace, killNow);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // Killed below.
        }

        Kill();
        await Exited;
    }

    /// <summary>Kills the process and what it started, unless that took a session of its own.</summary>
    public void Kill() => Signal(Native.SIGKILL, wholeGroup: true);

    public void Dispose() => _process.Dispose();

    // In its first moments the process has no group of its own yet: setsid has not run. Once it has ended, its id may be another's.
    private void Signal(int signal, bool wholeGroup)
    {
        if (!(wholeGroup && Native.Signal(-Id, signal)) && !_hasExited)
            Native.Signal(Id, signal);
    }

    private async Task<int> WaitForExitAsync(Action<string> output)
    {
        var reading = Task.WhenAll(ReadAsync(_process.StandardOutput, output), ReadAsync(_process.StandardError, output));
        await _process.WaitForExitAsync();
        _hasExited = true;

        // What it started may hold the pipes open: the rest of the output is not worth waiting for.
        await Task.WhenAny(reading, Task.Delay(TimeSpan.FromMilliseconds(500)));
        return _process.ExitCode;
    }

    private static async Task ReadAsync(StreamReader reader, Action<string> output)
    {
        try
        {
            while (await reader.ReadLineAsync() is { } line)
                output(line);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The process is gone.
        }
    }
}
