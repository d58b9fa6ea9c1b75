using System.Globalization;

namespace GoReliable.Bench.Comparison;

/// <summary>Where and how it was measured.</summary>
internal static class Machine
{
    public static string Describe(Plan plan)
    {
        var without = plan.Without.Count > 0 ? $"; without {string.Join(", ", plan.Without)}" : "";
        var runs = plan.Repetitions == 1 ? "one run" : $"medians of {plan.Repetitions} runs";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{DateTime.UtcNow:yyyy-MM-dd}, {Processor()}, {Environment.ProcessorCount} cores, "
                + $".NET {Environment.Version}, "
                + $"{plan.Connections} connections, {plan.Length.TotalSeconds} s each, {runs}{without}"
        );
    }

    // Arm's processors have no such line.
    private static string Processor() =>
        File.ReadLines("/proc/cpuinfo")
            .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            ?.Split(": ")[1]
        ?? "unknown processor";
}
