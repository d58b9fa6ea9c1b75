using System.Text.Json;

namespace GoReliable.Tests.Files.Deploy;

public sealed class DashboardTests
{
    private static readonly IReadOnlyList<Dashboard> Dashboards = Dashboard.LoadAll();

    private static readonly (string Where, string Query)[] OnPanels =
    [
        .. Dashboards.SelectMany(dashboard =>
            dashboard.PrometheusQueries().Select(query => ($"{dashboard.File}: {query.Panel}", query.Query))
        ),
    ];

    private static readonly (string Where, string Query)[] Queries =
    [
        .. OnPanels,
        .. AlertRules.LoadRules().Select(rule => ($"rule {rule.Record ?? rule.Alert}", rule.Expr)),
        .. RunbookTests.Queries(),
    ];

    private static IEnumerable<JsonElement> Panels => Dashboards.SelectMany(dashboard => dashboard.Panels);

    private static IEnumerable<JsonElement> Targets =>
        Panels.SelectMany(panel => panel.GetProperty("targets").EnumerateArray());

    [Fact]
    public void The_six_dashboards_are_there_and_can_be_linked_to()
    {
        string[] names = ["gateway", "notifications", "orders", "overview", "runtime", "slo"];
        Assert.Equal(
            names.Select(name => $"goreliable-{name}"),
            Dashboards.Select(dashboard => Dashboard.Text(dashboard.Json, "uid")).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task Every_query_is_one_that_Prometheus_can_parse()
    {
        // promtool has no command for a single query, but it reads rules.
        var rules = Queries
            .Select(query => query.Query)
            .Distinct()
            .Select((query, i) => new { record = $"query:{i}", expr = query });
        var file = Path.Combine(Path.GetTempPath(), $"queries-{Guid.NewGuid():n}.json"); // JSON is YAML
        await File.WriteAllTextAsync(
            file,
            JsonSerializer.Serialize(new { groups = new[] { new { name = "queries", rules } } }),
            TestContext.Current.CancellationToken
        );
        try
        {
            await Tool.PromtoolAsync("check", "rules", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Queries_read_only_metrics_and_labels_that_exist()
    {
        var recorded = AlertRules.LoadRules().Select(rule => rule.Record).ToHashSet();
        IEnumerable<string> Unknown(string metric, IReadOnlyList<string> used) =>
            LabelsOf(metric) is { } labels ? used.Except(labels).Except(MetricFamilies.TargetLabels)
            : recorded.Contains(metric) ? []
            : [metric];

        Assert.Empty(
            from query in Queries
            from selector in PromQuery.Selectors(query.Query)
            from name in Unknown(selector.Metric, selector.Labels)
            select (query.Where, selector.Metric, name)
        );
    }

    [Fact]
    public void Queries_group_only_by_labels_that_the_metrics_have() =>
        Assert.Empty(
            from query in Queries
            from label in PromQuery
                .GroupingLabels(query.Query)
                .Except(MetricFamilies.TargetLabels)
                .Except(PromQuery.Selectors(query.Query).SelectMany(selector => LabelsOf(selector.Metric) ?? []))
            where !label.StartsWith("sloth_", StringComparison.Ordinal)
            select (query.Where, label)
        );

    [Fact]
    public void Every_metric_of_our_own_is_on_a_dashboard() =>
        Assert.Empty(
            MetricFamilies.Own.Keys.Except(
                OnPanels
                    .SelectMany(query => PromQuery.Selectors(query.Query))
                    .Select(selector => MetricFamilies.FamilyOf(selector.Metric))
            )
        );

    /// <summary>The Prometheus of a cluster has others, of which the Watchdog always fires.</summary>
    [Fact]
    public void Only_alerts_of_our_own_are_shown()
    {
        var queries = OnPanels.Where(query => query.Query.Contains("ALERTS")).ToArray();

        Assert.NotEmpty(queries);
        Assert.All(queries, query => Assert.Contains("severity=~\"page|ticket\"", query.Query));
    }

    [Fact]
    public void No_quantile_or_ratio_on_a_panel_can_be_NaN() => Assert.All(OnPanels, query =>
        {
            // A quantile of nothing is NaN, which fails every comparison; a ratio is guarded by what it divides by.
            if (query.Query.Contains("histogram_quantile"))
                Assert.EndsWith(">= 0", query.Query);
            if (query.Query.Contains(" / (sum"))
                Assert.Contains("> 0)", query.Query);
        });

    [Fact]
    public void Every_panel_has_a_query_and_a_unit() => Assert.All(Panels, panel =>
        {
            Assert.NotEmpty(panel.GetProperty("targets").EnumerateArray());
            Assert.True(
                Dashboard.Text(panel, "type") is "logs" or "table" or "heatmap"
                    || Dashboard.Text(panel.GetProperty("fieldConfig").GetProperty("defaults"), "unit") != "",
                $"'{Dashboard.Text(panel, "title")}' has no unit."
            );
        });

    [Fact]
    public void Durations_show_exemplars() =>
        Assert.All(Targets.Where(target => Dashboard.Text(target, "expr").Contains("histogram_quantile")), target =>
            Assert.True(target.GetProperty("exemplar").GetBoolean(), Dashboard.Text(target, "expr"))
        );

    [Fact]
    public void Data_sources_environment_and_instance_can_be_chosen()
    {
        Assert.All(Dashboards, dashboard =>
        {
            var variables = dashboard
                .TemplateVariables.Select(variable => Dashboard.Text(variable, "name"))
                .ToHashSet();
            // Objectives are the platform's, not an instance's, and one Prometheus watches one environment.
            HashSet<string> wanted =
                Dashboard.Text(dashboard.Json, "uid") == "goreliable-slo"
                    ? ["datasource", "slo"]
                    : ["datasource", "environment", "instance"];
            Assert.Superset(wanted, variables);
            var text = dashboard.Json.GetRawText();
            Assert.All(variables, name => Assert.Matches($@"\$({name}|\{{{name})\b", text));
        });
        Assert.All(Targets, target => Assert.StartsWith("${", Dashboard.Text(target.GetProperty("datasource"), "uid")));
    }

    [Fact]
    public void The_error_budget_is_shown_for_its_thirty_days() =>
        Assert.Equal(
            "30d",
            Dashboard.Text(
                Assert.Single(Panels, panel => Dashboard.Text(panel, "title") == "Where did the budget go?"),
                "timeFrom"
            )
        );

    [Fact]
    public void Deployments_are_marked_and_a_trace_leads_to_its_logs()
    {
        Assert.All(Dashboards, dashboard =>
            Assert.Contains(
                dashboard.Json.GetProperty("annotations").GetProperty("list").EnumerateArray(),
                annotation => Dashboard.Text(annotation, "name") == "Deployments"
            )
        );
        Assert.All(
            Dashboards.Where(dashboard =>
                dashboard.TemplateVariables.Any(variable => Dashboard.Text(variable, "name") == "trace_id")
            ),
            dashboard =>
                Assert.Contains(dashboard.Panels, panel =>
                    Dashboard.Text(panel, "type") == "logs" && panel.GetRawText().Contains("$trace_id")
                )
        );
    }

    private static IReadOnlyCollection<string>? LabelsOf(string metric) =>
        MetricFamilies.LabelsOf(MetricFamilies.FamilyOf(metric));
}
