using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;

namespace Aspire.Hosting.Console;

/// <summary>Shows every resource's lines behind its name, a table when all is settled, and what failed.</summary>
internal sealed class ConsoleOutput : IDisposable
{
    private static readonly int[] Colours = [36, 33, 35, 32, 34, 96, 93, 95, 92, 94];

    private readonly Lock _lock = new();
    private readonly ResourceNotificationService _notifications;
    private readonly ResourceLogs _logs;
    private readonly Failures _failures;
    private readonly CancellationTokenSource _watching = new();
    private readonly ConcurrentDictionary<string, string> _prefixes = new();
    private readonly bool _coloured = !System.Console.IsOutputRedirected && Environment.GetEnvironmentVariable("NO_COLOR") is not { Length: > 0 };
    private readonly int _width;

    public ConsoleOutput(DistributedApplicationModel model, ResourceNotificationService notifications, ResourceLogs logs, Failures failures)
    {
        _notifications = notifications;
        _logs = logs;
        _failures = failures;
        _width = model.Resources.Where(ResourceNames.HasProcess).Select(r => r.Name.Length + (r.GetReplicaCount() > 1 ? 2 : 0)).DefaultIfEmpty(0).Max();
        _logs.LineWritten += WriteLine;
        _failures.Ended += WriteEnd;
        _ = ShowTableAsync();
    }

    public void WriteNotice(string text)
    {
        lock (_lock)
            System.Console.WriteLine(text);
    }

    /// <summary>Shows no more tables: what changes from now on was asked for.</summary>
    public void StopWatching() => _watching.Cancel();

    public void Dispose()
    {
        _logs.LineWritten -= WriteLine;
        _failures.Ended -= WriteEnd;
        _watching.Cancel();
        _watching.Dispose();
    }

    private void WriteLine(string id, string line)
    {
        var text = _coloured ? line : Ansi.Strip(line);
        lock (_lock)
            System.Console.WriteLine($"{Prefix(id)} {text}");
    }

    private void WriteEnd(IResource resource, string id, int exitCode)
    {
        if (exitCode == 0)
        {
            WriteNotice($"{resource.Name} has ended with exit code 0.");
            return;
        }

        WriteNotice(string.Join(Environment.NewLine, [$"{resource.Name} has died with exit code {exitCode}. Its last lines:", .. _logs.Last(id, 20).Select(line => $"    {Ansi.Strip(line)}")]));
    }

    private async Task ShowTableAsync()
    {
        try
        {
            string? shown = null;
            await foreach (var _ in _notifications.WatchAsync(_watching.Token))
            {
                // Changes come in bursts; only what is left after each is of interest. Shown once, and again after a failure is mended.
                var states = _notifications.States;
                if (ResourceTable.Verdict(states) is not { } verdict || verdict == shown)
                    continue;

                shown = verdict;
                WriteNotice($"{ResourceTable.Draw(states)}{Environment.NewLine}{verdict}");
            }
        }
        catch (OperationCanceledException)
        {
            // The application stops.
        }
    }

    private string Prefix(string id) => _prefixes.GetOrAdd(id, _ =>
    {
        var states = _notifications.States;
        var name = ResourceTable.NameOf(id, states).PadRight(_width);
        var index = states.Select(s => s.ResourceId).ToList().IndexOf(id);
        return _coloured ? $"\e[{Colours[Math.Max(index, 0) % Colours.Length]}m{name} |\e[0m" : $"{name} |";
    });
}
