using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>A Prometheus rule file, read strictly.</summary>
internal sealed class AlertRules
{
    public required List<Group> Groups { get; set; }

    /// <summary>The alerting rules of all files in <c>deploy/prometheus/rules</c>.</summary>
    public static IReadOnlyList<Rule> LoadAll() => [.. LoadRules().Where(rule => rule.Alert is not null)];

    /// <summary>All rules, recording and alerting.</summary>
    public static IReadOnlyList<Rule> LoadRules()
    {
        var yaml = new DeserializerBuilder()
            .WithNamingConvention(CamelCaseNamingConvention.Instance)
            .WithEnforceRequiredMembers()
            .Build();
        return
        [
            .. DeployFiles
                .Find("deploy/prometheus/rules", "*.yaml")
                .SelectMany(file => yaml.Deserialize<AlertRules>(File.ReadAllText(file)).Groups)
                .SelectMany(group => group.Rules),
        ];
    }

    internal sealed class Group
    {
        public required string Name { get; set; }
        public required List<Rule> Rules { get; set; }
    }

    internal sealed class Rule
    {
        public string? Record { get; set; }
        public string? Alert { get; set; }
        public required string Expr { get; set; }
        public string? For { get; set; }
        public Dictionary<string, string> Labels { get; set; } = [];
        public Dictionary<string, string> Annotations { get; set; } = [];
    }
}
