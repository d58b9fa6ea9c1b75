using System.Globalization;

namespace GoReliable.Bench.Comparison;

/// <summary>A process whose cost is read.</summary>
/// <param name="Name">The column's.</param>
/// <param name="Id">Of the process.</param>
/// <param name="WithChildren">Whether those that it started, and those of them that have ended, belong to it.</param>
internal sealed record Watched(string Name, int Id, bool WithChildren = false);

/// <summary>A process's memory, in MB.</summary>
/// <param name="Resident">All of it.</param>
/// <param name="Proportional">Of pages that several processes have, mostly code, only its share.</param>
internal sealed record Memory(double Resident, double Proportional);

/// <summary>
/// What processes cost, from <c>/proc</c> (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
/// </summary>
internal static class Usage
{
    // Fields of /proc/PID/stat, counted from the one after the name.
    private const int Parent = 1;
    private const int UserTime = 11;
    private const int EndedChildrenTime = 13;

    // /proc reports times in ticks of 10 ms.
    private const int MicrosecondsPerTick = 10_000;
    private const int BytesPerKilobyte = 1024;
    private const int BytesPerMegabyte = 1_000_000;

    /// <summary>Processor time since each began, in microseconds.</summary>
    public static Dictionary<string, double> ProcessorTime(IEnumerable<Watched> processes) =>
        processes.ToDictionary(process => process.Name, process => MicrosecondsPerTick * (double)Ticks(process));

    /// <summary>What a process has in memory now.</summary>
    public static Memory Memory(Watched process)
    {
        var status = File.ReadAllLines($"/proc/{process.Id}/smaps_rollup");
        return new Memory(Megabytes("Rss:"), Megabytes("Pss:"));

        double Megabytes(string field)
        {
            var line = status.Single(line => line.StartsWith(field, StringComparison.Ordinal));
            var kilobytes = double.Parse(line[field.Length..^"kB".Length], CultureInfo.InvariantCulture);
            return kilobytes * BytesPerKilobyte / BytesPerMegabyte;
        }
    }

    /// <summary>
    /// The process of this name that is the given one, or was started by it or by one that it started.
    /// </summary>
    public static int Descendant(int id, string name)
    {
        var generation = new List<int> { id };
        while (generation.Count > 0)
        {
            var found = generation.Find(candidate =>
                Read(candidate)?.Contains($"({name})", StringComparison.Ordinal) == true
            );
            if (found != 0)
                return found;
            generation = [.. generation.SelectMany(Children)];
        }
        throw new BenchmarkException($"There is no process {name}.");
    }

    private static long Ticks(Watched process)
    {
        var own = Stat(process.Id) ?? throw new BenchmarkException($"{process.Name} has ended.");
        if (!process.WithChildren)
            return Sum(own, UserTime);
        return Sum(own, UserTime)
            + Sum(own, EndedChildrenTime)
            + Children(process.Id).Sum(child => Stat(child) is { } stat ? Sum(stat, UserTime) : 0);
    }

    // User time and system time, which are adjacent fields.
    private static long Sum(string[] stat, int field) =>
        long.Parse(stat[field], CultureInfo.InvariantCulture)
        + long.Parse(stat[field + 1], CultureInfo.InvariantCulture);

    private static IEnumerable<int> Children(int id)
    {
        var parent = id.ToString(CultureInfo.InvariantCulture);
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (
                int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var child)
                && Stat(child)?[Parent] == parent
            )
                yield return child;
        }
    }

    private static string[]? Stat(int id) =>
        Read(id) is { } stat ? stat[(stat.LastIndexOf(')') + 2)..].Split(' ') : null;

    private static string? Read(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/stat");
        }
        catch (IOException)
        {
            return null; // It has ended.
        }
    }
}
