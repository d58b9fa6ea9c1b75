using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// A file in Sloth's <c>prometheus/v1</c> format, as far as we use it. A member that is not declared here is an error.
/// Format: https://sloth.dev/specs/default/
/// </summary>
internal sealed class SloSpec
{
    public required string Version { get; set; }
    public required string Service { get; set; }
    public required SortedDictionary<string, string> Labels { get; set; }
    public required List<Slo> Slos { get; set; }

    /// <summary>All specs of <c>deploy/prometheus/slo</c>, by file name.</summary>
    public static IReadOnlyList<SloSpec> LoadAll()
    {
        var yaml = new DeserializerBuilder()
            .WithNamingConvention(UnderscoredNamingConvention.Instance)
            .WithEnforceRequiredMembers()
            .Build();
        return
        [
            .. DeployFiles
                .Find("deploy/prometheus/slo", "*.yaml")
                .Select(file => yaml.Deserialize<SloSpec>(File.ReadAllText(file))),
        ];
    }

    internal sealed class Slo
    {
        public required string Name { get; set; }

        /// <summary>Percent of events that must be good.</summary>
        public required decimal Objective { get; set; }
        public required string Description { get; set; }
        public required Indicator Sli { get; set; }
        public required AlertSpec Alerting { get; set; }

        /// <summary>The share of events that may be bad: 0.001 for an objective of 99.9 %.</summary>
        public decimal ErrorBudget => (100 - Objective) / 100;
    }

    internal sealed class Indicator
    {
        public required EventQueries Events { get; set; }
    }

    internal sealed class EventQueries
    {
        public required string ErrorQuery { get; set; }
        public required string TotalQuery { get; set; }

        public string Errors(string window) => ErrorQuery.Replace("{{.window}}", window, StringComparison.Ordinal);

        public string Total(string window) => TotalQuery.Replace("{{.window}}", window, StringComparison.Ordinal);
    }

    internal sealed class AlertSpec
    {
        public required string Name { get; set; }
        public required SortedDictionary<string, string> Annotations { get; set; }
        public required SeveritySpec PageAlert { get; set; }
        public required SeveritySpec TicketAlert { get; set; }
    }

    internal sealed class SeveritySpec
    {
        public required SortedDictionary<string, string> Labels { get; set; }
    }
}
