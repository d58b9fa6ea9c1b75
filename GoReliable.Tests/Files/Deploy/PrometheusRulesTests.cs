namespace GoReliable.Tests.Files.Deploy;

public sealed class PrometheusRulesTests
{
    private static readonly bool[] Outcomes = [true, false];

    [Fact]
    public void Slo_rules_follow_from_the_specs() =>
        AssertFile("deploy/prometheus/rules/slo.yaml", SloRules.Render(SloSpec.LoadAll()));

    [Fact]
    public void Operator_objects_hold_the_same_rules() =>
        AssertFile(
            "deploy/prometheus/prometheusrules.yaml",
            PrometheusRuleObjects.Render(DeployFiles.Find("deploy/prometheus/rules", "*.yaml"))
        );

    [Fact]
    public void The_four_objectives_are_the_promised_ones() =>
        Assert.Equal(
            ["gateway-availability 99.9", "gateway-latency 99", "notifications-freshness 99", "orders-creation 99.95"],
            SloSpec
                .LoadAll()
                .SelectMany(spec =>
                    spec.Slos.Select(slo => FormattableString.Invariant($"{spec.Service}-{slo.Name} {slo.Objective}"))
                )
                .Order(StringComparer.Ordinal)
        );

    [Fact]
    public void Each_objective_has_a_rule_that_tells_when_it_cannot_be_computed() =>
        Assert.Equal(
            SloSpec
                .LoadAll()
                .SelectMany(spec => spec.Slos.Select(slo => $"{spec.Service}-{slo.Name}"))
                .Order(StringComparer.Ordinal),
            AlertRules
                .LoadRules()
                .Where(rule => rule.Record == "slo:sli_unmeasured:count")
                .Select(rule => rule.Labels["sloth_id"])
                .Order(StringComparer.Ordinal)
        );

    [Fact]
    public async Task Promtool_accepts_the_configuration_and_its_rules()
    {
        var (exitCode, output) = await Tool.PromtoolAsync(
            "check",
            "config",
            "--lint-fatal",
            DeployFiles.Path("deploy/prometheus/prometheus.yml")
        );
        Assert.True(exitCode == 0, output);
    }

    [Theory]
    [MemberData(nameof(RuleTests))]
    public async Task Promtool_passes_the_rule_tests(string file)
    {
        var (exitCode, output) = await Tool.PromtoolAsync("test", "rules", DeployFiles.Path(file));
        Assert.True(exitCode == 0, output);
    }

    public static TheoryData<string> RuleTests() =>
        new(DeployFiles.Find("deploy/prometheus/tests", "*.yaml").Select(DeployFiles.Relative));

    /// <summary>
    /// "Fires just above, not just below, and resolves" is what the files in deploy/prometheus/tests say; here, that
    /// none is forgotten.
    /// </summary>
    [Fact]
    public void Every_alert_and_severity_has_a_case_in_which_it_fires_and_one_in_which_it_does_not()
    {
        var cases = RuleTestCases.LoadAll();
        var missing = AlertRules
            .LoadAll()
            .SelectMany(alert =>
                Outcomes.Select(fires => (alert.Alert, Severity: alert.Labels["severity"], Fires: fires))
            )
            .Where(wanted =>
                !cases.Any(@case => @case.Alert == wanted.Alert && @case.FiresWith(wanted.Severity) == wanted.Fires)
            )
            .ToArray();

        Assert.Empty(missing);
    }

    [Fact]
    public void Every_alert_has_a_severity_a_value_and_a_runbook() => Assert.All(AlertRules.LoadAll(), alert =>
        {
            Assert.True(
                alert.Labels["severity"] is "page" or "ticket",
                $"{alert.Alert} has severity {alert.Labels["severity"]}."
            );
            // What is absent has no value.
            if (!alert.Expr.StartsWith("label_replace(absent(", StringComparison.Ordinal))
                Assert.Contains("$value", alert.Annotations["summary"], StringComparison.Ordinal);
            Assert.EndsWith(
                $"/docs/runbooks/{alert.Alert}.md",
                alert.Annotations["runbook_url"],
                StringComparison.Ordinal
            );
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
