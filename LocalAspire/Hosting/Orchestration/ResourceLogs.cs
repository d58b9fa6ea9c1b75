using System.Collections.Concurrent;

namespace Aspire.Hosting.Orchestration;

/// <summary>The last lines that each process wrote.</summary>
internal sealed class ResourceLogs
{
    private const int Kept = 200;

    private readonly ConcurrentDictionary<string, Queue<string>> _lines = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Called with the resource's id and the line.</summary>
    public event Action<string, string>? LineWritten;

    public void Add(string id, string line)
    {
        var lines = _lines.GetOrAdd(id, _ => new Queue<string>(Kept));
        lock (lines)
        {
            if (lines.Count == Kept)
                lines.Dequeue();

            lines.Enqueue(line);
        }

        LineWritten?.Invoke(id, line);
    }

    public IReadOnlyList<string> Last(string id, int count)
    {
        if (!_lines.TryGetValue(id, out var lines))
            return [];

        lock (lines)
            return [.. lines.TakeLast(count)];
    }
}
