using System.Globalization;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// The Prometheus rules that follow from the SLO specs (https://sloth.dev/specs/default/), in the layout that Sloth gives
/// them, so that its dashboards work too. One rule differs on purpose: see <see cref="PeriodRatio"/>.
/// </summary>
internal static class SloRules
{
    private static readonly string[] Windows = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

    /// <summary>Burn rates and window pairs for 30 days: https://sre.google/workbook/alerting-on-slos/</summary>
    private static readonly (string Severity, (decimal Factor, string Short, string Long)[] Burns)[] Alerts =
    [
        ("page", [(14.4m, "5m", "1h"), (6m, "30m", "6h")]),
        ("ticket", [(3m, "2h", "1d"), (1m, "6h", "3d")]),
    ];

    /// <summary>Each objective with its specification: id, and percent of events that must be good.</summary>
    public static IEnumerable<(string Id, decimal Percent, Node Spec, Node Slo)> Objectives() =>
        from file in DeployFiles.Find("deploy/prometheus/slo", "*.yaml")
        let spec = Node.Load(file)
        from slo in spec["slos"]!.Items
        select (
            $"{spec["service"]!.Text}-{slo["name"]!.Text}",
            decimal.Parse(slo["objective"]!.Text!, CultureInfo.InvariantCulture),
            spec,
            slo
        );

    /// <summary>The whole rule file.</summary>
    public static string Render() =>
        "# Follows from deploy/prometheus/slo: change the spec, not this file.\n"
        + "# A test compares the two and, where they differ, writes the file as it should be.\n"
        + "groups:\n"
        + string.Concat(Objectives().Select(one => Groups(one.Id, one.Percent, one.Spec, one.Slo)));

    private static string Groups(string id, decimal percent, Node spec, Node slo)
    {
        var self = $$"""{sloth_id="{{id}}"}""";
        var budget = Number((100 - percent) / 100);
        (string, string)[] labels =
        [
            .. Members(spec["labels"]!),
            ("sloth_id", id),
            ("sloth_service", spec["service"]!.Text!),
            ("sloth_slo", slo["name"]!.Text!),
        ];
        var events = slo["sli", "events"];
        string Errors(string window) => Query(events["error_query"]!, window);
        string Total(string window) => Query(events["total_query"]!, window);
        string Record(string name, string expression, params (string, string)[] more) =>
            $"      - record: {name}\n" + Expression(expression) + Map("labels", [.. labels, .. more]);

        return string.Concat([
            Group($"sloth-slo-sli-recordings-{id}"),
            Record("slo:sli_error:rate5m", Errors("5m")),
            // The month leaves out what has no ratio, events as well as errors.
            Record("slo:sli_total:rate5m", $"({Total("5m")})\nand on ()\n({Errors("5m")})"),
            .. Windows.Select(window =>
                Record(
                    $"slo:sli_error:ratio_rate{window}",
                    $"({Errors(window)})\n/\n({Total(window)})",
                    ("sloth_window", window)
                )
            ),
            Record("slo:sli_error:ratio_rate30d", PeriodRatio(self), ("sloth_window", "30d")),
            Group($"sloth-slo-meta-recordings-{id}"),
            Record("slo:objective:ratio", $"vector({Number(percent / 100)})"),
            Record("slo:error_budget:ratio", $"vector({budget})"),
            Record("slo:time_period:days", "vector(30)"),
            Record("slo:current_burn_rate:ratio", BurnRate("5m", self)),
            Record("slo:period_burn_rate:ratio", BurnRate("30d", self)),
            Record("slo:period_error_budget_remaining:ratio", $"1 - slo:period_burn_rate:ratio{self}"),
            Record(
                "sloth_slo_info",
                "vector(1)",
                ("sloth_objective", Number(percent)),
                ("sloth_spec", spec["version"]!.Text!)
            ),
            Group($"sloth-slo-alerts-{id}"),
            .. Alerts.Select(alert =>
                Alert(
                    slo["alerting"]!,
                    alert.Severity,
                    string.Join("\nor\n", alert.Burns.Select(burn => Burning(burn, self, budget)))
                )
            ),
        ]);
    }

    /// <summary>
    /// Errors of 30 days over events of 30 days. Sloth averages the ratios of all five-minute windows instead, which
    /// lets the one failed request of a quiet night weigh as much as five minutes of failures at noon.
    /// </summary>
    private static string PeriodRatio(string self) =>
        $"sum_over_time(slo:sli_error:rate5m{self}[30d])\n/\nsum_over_time(slo:sli_total:rate5m{self}[30d])";

    private static string BurnRate(string window, string self) =>
        $"slo:sli_error:ratio_rate{window}{self}\n/ on(sloth_id, sloth_slo, sloth_service) group_left\n"
        + $"slo:error_budget:ratio{self}";

    private static string Burning((decimal Factor, string Short, string Long) burn, string self, string budget)
    {
        string Over(string window) =>
            $"max(slo:sli_error:ratio_rate{window}{self} > ({Number(burn.Factor)} * {budget})) without (sloth_window)";
        return $"(\n  {Over(burn.Short)}\n  and\n  {Over(burn.Long)}\n)";
    }

    private static string Group(string name) => $"  - name: {name}\n    rules:\n";

    private static string Alert(Node alerting, string severity, string expression) =>
        $"      - alert: {alerting["name"]!.Text}\n"
        + Expression(expression)
        + Map("labels", [.. Members(alerting[$"{severity}_alert", "labels"]), ("sloth_severity", severity)])
        + Map("annotations", [.. Members(alerting["annotations"]!)]);

    private static string Expression(string text) =>
        $"        expr: |-\n          {text.Replace("\n", "\n          ", StringComparison.Ordinal)}\n";

    private static string Map(string name, (string Name, string Value)[] values) =>
        $"        {name}:\n"
        + string.Concat(
            values
                .OrderBy(value => value.Name, StringComparer.Ordinal)
                .Select(value =>
                    $"          {value.Name}: \"{value.Value.Replace("\"", "\\\"", StringComparison.Ordinal)}\"\n"
                )
        );

    private static IEnumerable<(string, string)> Members(Node map) => map.Keys.Select(key => (key, map[key]!.Text!));

    private static string Query(Node query, string window) => query.Text!.Replace("{{.window}}", window);

    private static string Number(decimal value) => value.ToString(CultureInfo.InvariantCulture);
}
