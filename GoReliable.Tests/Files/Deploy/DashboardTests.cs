using System.Text.Json;

namespace GoReliable.Tests.Files.Deploy;

public sealed class DashboardTests
{
    private static readonly IReadOnlyList<Dashboard> Dashboards = Dashboard.LoadAll();

    [Fact]
    public void The_six_dashboards_are_there_and_can_be_linked_to() =>
        Assert.Equal(
            [
                "goreliable-gateway",
                "goreliable-notifications",
                "goreliable-orders",
                "goreliable-overview",
                "goreliable-runtime",
                "goreliable-slo",
            ],
            Dashboards.Select(dashboard => Dashboard.Text(dashboard.Json, "uid")).Order(StringComparer.Ordinal)
        );

    [Fact]
    public async Task Every_query_is_one_that_Prometheus_can_parse()
    {
        // promtool has no command for a single query, but it reads rules.
        var queries = Queries().Select(query => query.Query).Distinct().ToArray();
        var rules = new
        {
            groups = new[]
            {
                new
                {
                    name = "queries",
                    rules = queries.Select((query, i) => new { record = $"query:{i}", expr = query }),
                },
            },
        };
        var file = Path.Combine(Path.GetTempPath(), $"queries-{Guid.NewGuid():n}.json"); // JSON is YAML
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(rules), TestContext.Current.CancellationToken);
        try
        {
            var (exitCode, output) = await Tool.PromtoolAsync("check", "rules", file);
            Assert.True(exitCode == 0, output);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Queries_read_only_metrics_that_exist() =>
        Assert.Empty(
            Queries()
                .SelectMany(query =>
                    PromQuery.Selectors(query.Query).Select(selector => (query.Where, selector.Metric))
                )
                .Where(read => !Exists(read.Metric))
                .Distinct()
        );

    [Fact]
    public void Queries_use_only_labels_that_the_metrics_have() =>
        Assert.Empty(
            Queries()
                .SelectMany(query =>
                    PromQuery
                        .Selectors(query.Query)
                        .Where(selector =>
                            MetricFamilies.LabelsOf(MetricFamilies.FamilyOf(selector.Metric)) is not null
                        )
                        .SelectMany(selector =>
                            selector
                                .Labels.Where(label =>
                                    !MetricFamilies.TargetLabels.Contains(label)
                                    && !MetricFamilies
                                        .LabelsOf(MetricFamilies.FamilyOf(selector.Metric))!
                                        .Contains(label)
                                )
                                .Select(label => (query.Where, selector.Metric, label))
                        )
                )
                .Distinct()
        );

    [Fact]
    public void Queries_group_only_by_labels_that_the_metrics_have() =>
        Assert.Empty(
            Queries()
                .SelectMany(query =>
                    PromQuery
                        .GroupingLabels(query.Query)
                        .Where(label =>
                            !MetricFamilies.TargetLabels.Contains(label)
                            && !label.StartsWith("sloth_", StringComparison.Ordinal)
                            && !PromQuery
                                .Selectors(query.Query)
                                .Any(selector =>
                                    MetricFamilies.LabelsOf(MetricFamilies.FamilyOf(selector.Metric))?.Contains(label)
                                    == true
                                )
                        )
                        .Select(label => (query.Where, label))
                )
                .Distinct()
        );

    [Fact]
    public void Every_metric_of_our_own_is_on_a_dashboard()
    {
        var read = Dashboards
            .SelectMany(dashboard => dashboard.PrometheusQueries())
            .SelectMany(query => PromQuery.Selectors(query.Query))
            .Select(selector => MetricFamilies.FamilyOf(selector.Metric))
            .ToHashSet();

        Assert.DoesNotContain(MetricFamilies.Own.Keys, family => !read.Contains(family));
    }

    /// <summary>The Prometheus of a cluster has others, of which the Watchdog always fires.</summary>
    [Fact]
    public void Only_alerts_of_our_own_are_shown()
    {
        var queries = Dashboards
            .SelectMany(dashboard => dashboard.PrometheusQueries())
            .Select(query => query.Query)
            .Where(query => query.Contains("ALERTS", StringComparison.Ordinal))
            .ToArray();

        Assert.NotEmpty(queries);
        Assert.All(queries, query => Assert.Contains("severity=~\"page|ticket\"", query, StringComparison.Ordinal));
    }

    [Fact]
    public void No_quantile_or_ratio_on_a_panel_can_be_NaN() =>
        Assert.All(Dashboards.SelectMany(dashboard => dashboard.PrometheusQueries()), query =>
        {
            // A quantile of nothing is NaN, which fails every comparison; a ratio is guarded by what it divides by.
            if (query.Query.Contains("histogram_quantile", StringComparison.Ordinal))
                Assert.EndsWith(">= 0", query.Query, StringComparison.Ordinal);
            if (query.Query.Contains(" / (sum", StringComparison.Ordinal))
                Assert.Contains("> 0)", query.Query, StringComparison.Ordinal);
        });

    [Fact]
    public void Every_panel_asks_a_question_and_answers_it_in_a_unit() =>
        Assert.All(Dashboards.SelectMany(dashboard => dashboard.Panels), panel =>
        {
            var title = Dashboard.Text(panel, "title");
            var type = Dashboard.Text(panel, "type");
            Assert.True(type == "logs" || title.Contains('?', StringComparison.Ordinal), $"'{title}' is no question.");
            Assert.True(
                type is "logs" or "table" or "heatmap"
                    || Dashboard.Text(panel.GetProperty("fieldConfig").GetProperty("defaults"), "unit") != "",
                $"'{title}' has no unit."
            );
            Assert.True(panel.GetProperty("targets").GetArrayLength() > 0, $"'{title}' has no query.");
        });

    [Fact]
    public void Titles_are_used_once_on_a_dashboard_and_panels_do_not_overlap() => Assert.All(Dashboards, dashboard =>
        {
            Assert.Distinct(dashboard.Panels.Select(panel => Dashboard.Text(panel, "title")));
            var cells = dashboard
                .Json.GetProperty("panels")
                .EnumerateArray()
                .Select(panel => panel.GetProperty("gridPos"))
                .SelectMany(Cells)
                .ToArray();
            Assert.Distinct(cells);
            Assert.All(cells, cell => Assert.InRange(cell.X, 0, 23));
        });

    [Fact]
    public void Durations_show_exemplars() =>
        Assert.All(
            Dashboards
                .SelectMany(dashboard => dashboard.Panels)
                .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
                .Where(target =>
                    Dashboard.Text(target, "expr").Contains("histogram_quantile", StringComparison.Ordinal)
                ),
            target => Assert.True(target.GetProperty("exemplar").GetBoolean(), Dashboard.Text(target, "expr"))
        );

    [Fact]
    public void Every_variable_is_used() =>
        Assert.All(Dashboards, dashboard =>
            Assert.All(dashboard.TemplateVariables.Select(variable => Dashboard.Text(variable, "name")), name =>
            {
                var text = dashboard.Json.GetRawText();
                Assert.True(
                    text.Contains($"${name}", StringComparison.Ordinal)
                        || text.Contains($"${{{name}", StringComparison.Ordinal),
                    $"{dashboard.Title}: {name} is used by no query."
                );
            })
        );

    [Fact]
    public void Data_sources_environment_and_instance_can_be_chosen() => Assert.All(Dashboards, dashboard =>
        {
            var variables = dashboard.TemplateVariables.Select(variable => Dashboard.Text(variable, "name")).ToArray();
            // Objectives are the platform's, not an instance's, and one Prometheus watches one environment.
            HashSet<string> wanted =
                Dashboard.Text(dashboard.Json, "uid") == "goreliable-slo"
                    ? ["datasource", "slo"]
                    : ["datasource", "environment", "instance"];
            Assert.Superset(wanted, variables.ToHashSet());
            Assert.All(dashboard.Panels.SelectMany(panel => panel.GetProperty("targets").EnumerateArray()), target =>
                Assert.StartsWith(
                    "${",
                    Dashboard.Text(target.GetProperty("datasource"), "uid"),
                    StringComparison.Ordinal
                )
            );
        });

    [Fact]
    public void The_course_of_a_budget_is_shown_for_as_long_as_it_counts() =>
        Assert.Equal(
            "30d",
            Dashboard.Text(
                Assert.Single(Dashboards.SelectMany(dashboard => dashboard.Panels), panel =>
                    Dashboard.Text(panel, "title") == "Where did the budget go?"
                ),
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
                    Dashboard.Text(panel, "type") == "logs"
                    && panel.GetRawText().Contains("$trace_id", StringComparison.Ordinal)
                )
        );
    }

    private static IEnumerable<(string Where, string Query)> Queries() =>
        Dashboards
            .SelectMany(dashboard =>
                dashboard.PrometheusQueries().Select(query => ($"{dashboard.File}: {query.Panel}", query.Query))
            )
            .Concat(AlertRules.LoadRules().Select(rule => ($"rule {rule.Record ?? rule.Alert}", rule.Expr)))
            .Concat(RunbookTests.Queries());

    private static bool Exists(string metric) =>
        MetricFamilies.LabelsOf(MetricFamilies.FamilyOf(metric)) is not null
        || AlertRules.LoadRules().Any(rule => rule.Record == metric);

    private static IEnumerable<(int X, int Y)> Cells(JsonElement position)
    {
        int Value(string name) => position.GetProperty(name).GetInt32();
        return from x in Enumerable.Range(Value("x"), Value("w"))
            from y in Enumerable.Range(Value("y"), Value("h"))
            select (x, y);
    }
}
