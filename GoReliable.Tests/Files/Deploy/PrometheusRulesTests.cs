namespace GoReliable.Tests.Files.Deploy;

public sealed class PrometheusRulesTests
{
    private static readonly bool[] Outcomes = [true, false];

    [Fact]
    public void Slo_rules_follow_from_the_specs() => AssertFile("deploy/prometheus/rules/slo.yaml", SloRules.Render());

    // Kustomize can put a file into a ConfigMap but not into a PrometheusRule.
    [Fact]
    public void Operator_objects_hold_the_same_rules()
    {
        var objects = DeployFiles
            .Find("deploy/prometheus/rules", "*.yaml")
            .Select(file =>
            {
                var lines = File.ReadLines(file)
                    .SkipWhile(line => line.StartsWith('#'))
                    .Select(line => line.Length == 0 ? "\n" : $"  {line}\n");
                return "---\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n"
                    + $"  name: goreliable-{Path.GetFileNameWithoutExtension(file)}\nspec:\n{string.Concat(lines)}";
            });
        AssertFile(
            "deploy/prometheus/prometheusrules.yaml",
            "# The rules of deploy/prometheus/rules for the Prometheus Operator: change those, not this file.\n"
                + "# A test compares the two and, where they differ, writes the file as it should be.\n"
                + string.Concat(objects)
        );
    }

    [Fact]
    public void The_four_objectives_are_the_promised_ones() =>
        Assert.Equal(
            [
                ("gateway-availability", 99.9m),
                ("gateway-latency", 99m),
                ("notifications-freshness", 99m),
                ("orders-creation", 99.95m),
            ],
            SloRules.Objectives().Select(objective => (objective.Id, objective.Percent))
        );

    [Fact]
    public void Each_objective_has_a_rule_that_tells_when_it_cannot_be_computed() =>
        Assert.Equal(
            SloRules.Objectives().Select(objective => objective.Id).Order(StringComparer.Ordinal),
            AlertRules
                .LoadRules()
                .Where(rule => rule.Record == "slo:sli_unmeasured:count")
                .Select(rule => rule.Labels["sloth_id"])
                .Order(StringComparer.Ordinal)
        );

    [Fact]
    public Task Promtool_accepts_the_configuration_and_its_rules() =>
        Tool.PromtoolAsync("check", "config", "--lint-fatal", DeployFiles.Path("deploy/prometheus/prometheus.yml"));

    [Fact]
    public Task Promtool_passes_the_rule_tests() =>
        Tool.PromtoolAsync(["test", "rules", .. DeployFiles.Find("deploy/prometheus/tests", "*.yaml")]);

    /// <summary>
    /// "Fires just above, not just below, and resolves" is what the files in deploy/prometheus/tests say; here, that
    /// none is forgotten.
    /// </summary>
    [Fact]
    public void Every_alert_and_severity_has_a_case_in_which_it_fires_and_one_in_which_it_does_not()
    {
        var cases = DeployFiles
            .Find("deploy/prometheus/tests", "*.yaml")
            .SelectMany(file => Node.Load(file)["tests"]!.Items)
            .SelectMany(test => test["alert_rule_test"]?.Items ?? [])
            .Select(test =>
                (
                    Alert: test["alertname"]!.Text,
                    Severities: test["exp_alerts"]!.Items.Select(alert => alert["exp_labels", "severity"].Text)
                )
            )
            .ToArray();
        var missing =
            from alert in AlertRules.LoadAll()
            from fires in Outcomes
            let severity = alert.Labels["severity"]
            where !cases.Any(one => one.Alert == alert.Alert && one.Severities.Contains(severity) == fires)
            select (alert.Alert, severity, fires);

        Assert.Empty(missing);
    }

    [Fact]
    public void Every_alert_has_a_severity_a_value_and_a_runbook() => Assert.All(AlertRules.LoadAll(), alert =>
        {
            Assert.Matches("^(page|ticket)$", alert.Labels["severity"]);
            // What is absent has no value.
            if (!alert.Expr.StartsWith("label_replace(absent(", StringComparison.Ordinal))
                Assert.Contains("$value", alert.Annotations["summary"]);
            Assert.EndsWith($"/docs/runbooks/{alert.Alert}.md", alert.Annotations["runbook_url"]);
        });

    private static void AssertFile(string relative, string expected)
    {
        var path = DeployFiles.Path(relative);
        if (File.Exists(path) && File.ReadAllText(path) == expected)
            return;

        var written = Path.Combine(Path.GetTempPath(), Path.GetFileName(relative));
        File.WriteAllText(written, expected);
        Assert.Fail($"{relative} is not what its sources say. To bring it up to date: cp {written} {path}");
    }
}
