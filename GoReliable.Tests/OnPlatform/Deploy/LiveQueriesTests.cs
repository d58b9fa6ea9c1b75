using System.Text.RegularExpressions;
using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.OnPlatform.Deploy;

/// <summary>Dashboards and rules against what the running platform really measures.</summary>
[Collection(LivePlatform.Name)]
public sealed partial class LiveQueriesTests(LivePlatform live)
{
    private readonly LivePrometheus prometheus = live.Prometheus;

    [Fact]
    public async Task Each_service_is_a_target_and_answers()
    {
        var targets = (await prometheus.StateAsync("targets"))
            .GetProperty("activeTargets")
            .EnumerateArray()
            .ToLookup(
                target => target.GetProperty("labels").GetProperty("job").GetString()!,
                target =>
                    (
                        Health: target.GetProperty("health").GetString(),
                        Error: target.GetProperty("lastError").GetString()
                    )
            );

        Assert.Equal(
            (1, live.OrdersTargets, 1),
            (targets["gateway"].Count(), targets["orders"].Count(), targets["notifications"].Count())
        );
        Assert.All(targets.SelectMany(service => service), target => Assert.Equal(("up", ""), target));
    }

    [Fact]
    public async Task All_rules_are_loaded_and_evaluate_without_an_error()
    {
        var rules = (await prometheus.StateAsync("rules"))
            .GetProperty("groups")
            .EnumerateArray()
            .SelectMany(group => group.GetProperty("rules").EnumerateArray())
            .ToArray();

        Assert.Equal(AlertRules.LoadRules().Count, rules.Length);
        Assert.All(rules, rule => Assert.True(rule.GetProperty("health").GetString() == "ok", rule.ToString()));
    }

    [Fact]
    public async Task Every_query_of_every_panel_has_data_and_never_NaN() => await AssertAllAsync(Panels());

    [Fact]
    public async Task Every_rule_has_data_to_decide_on_and_never_NaN() => await AssertAllAsync(Rules());

    // A selector before an `or` or in a comparison can name a missing series, and the query still has a result.
    [Fact]
    public async Task Every_series_that_is_asked_for_exists() =>
        await AssertAllAsync(
            Panels()
                .Concat(Rules())
                .SelectMany(query => PromQuery.SelectorTexts(query.Query).Select(selector => (query.Where, selector)))
                .DistinctBy(query => query.selector)
        );

    [Fact]
    public async Task A_slow_bucket_leads_to_a_trace()
    {
        foreach (
            var histogram in MetricFamilies
                .Own.Where(family => family.Value.Contains("le"))
                .Select(family => family.Key)
        )
        {
            var exemplars = (await prometheus.ExemplarsAsync($"{histogram}_bucket"))
                .EnumerateArray()
                .SelectMany(series => series.GetProperty("exemplars").EnumerateArray())
                .ToArray();
            Assert.True(exemplars.Length > 0, $"{histogram} has no exemplar.");
            Assert.All(exemplars, exemplar =>
                Assert.Matches("^[0-9a-f]{32}$", exemplar.GetProperty("labels").GetProperty("trace_id").GetString())
            );
        }
    }

    private static IEnumerable<(string Where, string Query)> Panels() =>
        Dashboard
            .LoadAll()
            .SelectMany(dashboard =>
                dashboard.PrometheusQueries().Select(query => ($"{dashboard.File}, {query.Panel}", query.Query))
            );

    private static IEnumerable<(string Where, string Query)> Rules() =>
        AlertRules.LoadRules().Select(rule => (rule.Record ?? rule.Alert!, rule.Expr));

    private async Task AssertAllAsync(IEnumerable<(string Where, string Query)> queries)
    {
        var wrong = new List<string>();
        foreach (var (where, query) in queries)
            if (await FindFaultAsync(query) is { } fault)
                wrong.Add($"{where}: {fault}: {query}");

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    private async Task<string?> FindFaultAsync(string query)
    {
        try
        {
            var values = await prometheus.RangeAsync(query);
            if (!values.All(double.IsFinite))
                return "NaN or infinite";

            // Only what a condition holds back may be missing: an alert that does not fire, a budget that does not
            // burn.
            return values.Length > 0 || (await prometheus.RangeAsync(WithoutConditions(query))).Length > 0
                ? null
                : "no data";
        }
        catch (InvalidOperationException refused)
        {
            return refused.Message;
        }
    }

    /// <summary>
    /// The expression without its comparisons with numbers, and with the argument of <c>absent()</c> in its place.
    /// </summary>
    private static string WithoutConditions(string query) => Absent.Replace(Comparison.Replace(query, ""), "(");

    [GeneratedRegex(@"\s(==|!=|<=|>=|<|>)\s*(\d[\d.]*|\([\d.*\s]+\))", RegexOptions.ExplicitCapture)]
    private static partial Regex Comparison { get; }

    [GeneratedRegex(@"\babsent\(")]
    private static partial Regex Absent { get; }
}
