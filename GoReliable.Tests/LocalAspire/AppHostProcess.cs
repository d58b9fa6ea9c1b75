using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.LocalAspire;

/// <summary>The real AppHost, as a process of its own.</summary>
internal sealed class AppHostProcess : IDisposable
{
    private readonly Process _process;
    private readonly Channel<string> _output = Channel.CreateUnbounded<string>();
    private readonly List<string> _seen = [];

    private AppHostProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) => Add(e.Data);
        process.ErrorDataReceived += (_, e) => Add(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public static async Task<AppHostProcess> StartAsync(params string[] arguments)
    {
        var appHost = Path.Combine(AppContext.BaseDirectory, "GoReliable.AppHost.dll");
        return new AppHostProcess(await TiedProcess.StartDotnetAsync([appHost, .. arguments], [new("DOTNET_ENVIRONMENT", "Development")]));
    }

    /// <summary>Waits for a line that begins so.</summary>
    public async Task WaitForLineAsync(string start)
    {
        using var patience = SmallApp.Patience();
        try
        {
            await foreach (var line in _output.Reader.ReadAllAsync(patience.Token))
            {
                _seen.Add(line);
                if (line.StartsWith(start, StringComparison.Ordinal))
                    return;
            }
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"The AppHost wrote no line '{start}…' in time: {Seen}", e);
        }

        Assert.Fail($"The AppHost ended without a line '{start}…': {Seen}");
    }

    /// <summary>Waits for its end, and returns the exit code and all that it wrote.</summary>
    public async Task<(int ExitCode, string Output)> WaitForExitAsync()
    {
        using var patience = SmallApp.Patience();
        try
        {
            await foreach (var line in _output.Reader.ReadAllAsync(patience.Token))
                _seen.Add(line);

            await _process.WaitForExitAsync(patience.Token);
            return (_process.ExitCode, Seen);
        }
        catch (OperationCanceledException e)
        {
            throw new TimeoutException($"The AppHost did not end in time: {Seen}", e);
        }
    }

    private string Seen => string.Join(Environment.NewLine, _seen);

    public void Kill() => _process.Kill();

    /// <summary>All processes below it.</summary>
    public IReadOnlyList<(int Id, string Name)> Descendants()
    {
        var all = Process.GetProcesses().Select(p => Read(p.Id)).OfType<(int Id, int Parent, string Name)>().ToArray();
        var found = new List<(int Id, string Name)>();
        var parents = new HashSet<int> { _process.Id };
        for (var before = -1; before != found.Count;)
        {
            before = found.Count;
            foreach (var (id, _, name) in all.Where(p => parents.Contains(p.Parent) && parents.Add(p.Id)))
                found.Add((id, name));
        }

        return found;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();

        _process.Dispose();
    }

    // "28963 (postgres) S 1 …"
    private static (int Id, int Parent, string Name)? Read(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var end = stat.LastIndexOf(')');
            return (id, int.Parse(stat[(end + 2)..].Split(' ')[1], CultureInfo.InvariantCulture), stat[(stat.IndexOf('(') + 1)..end]);
        }
        catch (IOException)
        {
            return null;
        }
    }

    // Both streams end with a null.
    private int _ended;

    private void Add(string? line)
    {
        if (line is not null)
            _output.Writer.TryWrite(line);
        else if (Interlocked.Increment(ref _ended) == 2)
            _output.Writer.TryComplete();
    }
}
