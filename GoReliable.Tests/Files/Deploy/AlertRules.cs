namespace GoReliable.Tests.Files.Deploy;

/// <summary>A Prometheus rule file, read strictly.</summary>
internal sealed record AlertRules(List<AlertRules.Group> Groups)
{
    /// <summary>The alerting rules of all files in <c>deploy/prometheus/rules</c>.</summary>
    public static IReadOnlyList<Rule> LoadAll() => [.. LoadRules().Where(rule => rule.Alert is not null)];

    /// <summary>All rules, recording and alerting.</summary>
    public static IReadOnlyList<Rule> LoadRules() =>
        [
            .. DeployFiles
                .Find("deploy/prometheus/rules", "*.yaml")
                .SelectMany(file => CustomResources.Read<AlertRules>(File.ReadAllText(file)).Groups)
                .SelectMany(group => group.Rules),
        ];

    internal sealed record Group(string Name, List<Rule> Rules);

    internal sealed record Rule(string Expr, string? Record = null, string? Alert = null, string? For = null)
    {
        public Dictionary<string, string> Labels { get; init; } = [];
        public Dictionary<string, string> Annotations { get; init; } = [];
    }
}
