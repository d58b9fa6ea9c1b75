using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>What the promtool test files expect of alerts.</summary>
internal sealed record RuleTestCase(string Alert, IReadOnlyCollection<string> Severities)
{
    public bool FiresWith(string severity) => Severities.Contains(severity);
}

internal static class RuleTestCases
{
    public static IReadOnlyList<RuleTestCase> LoadAll()
    {
        var yaml = new DeserializerBuilder()
            .WithNamingConvention(UnderscoredNamingConvention.Instance)
            .IgnoreUnmatchedProperties()
            .Build();
        return
        [
            .. DeployFiles
                .Find("deploy/prometheus/tests", "*.yaml")
                .SelectMany(file => yaml.Deserialize<File>(System.IO.File.ReadAllText(file)).Tests)
                .SelectMany(test => test.AlertRuleTest)
                .Select(test => new RuleTestCase(
                    test.Alertname,
                    [.. test.ExpAlerts.Select(alert => alert.ExpLabels["severity"])]
                )),
        ];
    }

    private sealed class File
    {
        public List<Test> Tests { get; set; } = [];
    }

    private sealed class Test
    {
        public List<AlertTest> AlertRuleTest { get; set; } = [];
    }

    private sealed class AlertTest
    {
        public string Alertname { get; set; } = "";
        public List<Expected> ExpAlerts { get; set; } = [];
    }

    private sealed class Expected
    {
        public Dictionary<string, string> ExpLabels { get; set; } = [];
    }
}
