using System.Globalization;
using System.Text;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// The Prometheus rules that follow from the SLO specs, in the layout that Sloth gives them, so that its dashboards
/// work too. One rule differs on purpose: see <see cref="PeriodRatio"/>.
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

    /// <summary>The whole rule file.</summary>
    public static string Render(IEnumerable<SloSpec> specs)
    {
        var text = new StringBuilder();
        text.AppendLine("# Follows from deploy/prometheus/slo: change the spec, not this file.");
        text.AppendLine("# A test compares the two and, where they differ, writes the file as it should be.");
        text.AppendLine("groups:");
        foreach (var spec in specs)
        foreach (var slo in spec.Slos)
            AppendSlo(text, spec, slo);
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static void AppendSlo(StringBuilder text, SloSpec spec, SloSpec.Slo slo)
    {
        var id = $"{spec.Service}-{slo.Name}";
        var labels = new SortedDictionary<string, string>(spec.Labels, StringComparer.Ordinal)
        {
            ["sloth_id"] = id,
            ["sloth_service"] = spec.Service,
            ["sloth_slo"] = slo.Name,
        };
        var self = $$"""{sloth_id="{{id}}"}""";
        var budget = slo.ErrorBudget.ToString(CultureInfo.InvariantCulture);

        AppendGroup(text, $"sloth-slo-sli-recordings-{id}");
        AppendRecord(text, "slo:sli_error:rate5m", slo.Sli.Events.Errors("5m"), labels);
        // The month leaves out what has no ratio, events as well as errors.
        AppendRecord(
            text,
            "slo:sli_total:rate5m",
            $"({slo.Sli.Events.Total("5m")})\nand on ()\n({slo.Sli.Events.Errors("5m")})",
            labels
        );
        foreach (var window in Windows)
        {
            var ratio = $"({slo.Sli.Events.Errors(window)})\n/\n({slo.Sli.Events.Total(window)})";
            AppendRecord(text, $"slo:sli_error:ratio_rate{window}", ratio, With(labels, "sloth_window", window));
        }
        AppendRecord(text, "slo:sli_error:ratio_rate30d", PeriodRatio(self), With(labels, "sloth_window", "30d"));

        AppendGroup(text, $"sloth-slo-meta-recordings-{id}");
        AppendRecord(
            text,
            "slo:objective:ratio",
            $"vector({(slo.Objective / 100).ToString(CultureInfo.InvariantCulture)})",
            labels
        );
        AppendRecord(text, "slo:error_budget:ratio", $"vector({budget})", labels);
        AppendRecord(text, "slo:time_period:days", "vector(30)", labels);
        AppendRecord(text, "slo:current_burn_rate:ratio", BurnRate("5m", self), labels);
        AppendRecord(text, "slo:period_burn_rate:ratio", BurnRate("30d", self), labels);
        AppendRecord(text, "slo:period_error_budget_remaining:ratio", $"1 - slo:period_burn_rate:ratio{self}", labels);
        AppendRecord(
            text,
            "sloth_slo_info",
            "vector(1)",
            With(
                With(labels, "sloth_objective", slo.Objective.ToString(CultureInfo.InvariantCulture)),
                "sloth_spec",
                spec.Version
            )
        );

        AppendGroup(text, $"sloth-slo-alerts-{id}");
        foreach (var (severity, burns) in Alerts)
            AppendAlert(text, slo, severity, string.Join("\nor\n", burns.Select(burn => Burning(burn, self, budget))));
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
            FormattableString.Invariant(
                $"max(slo:sli_error:ratio_rate{window}{self} > ({burn.Factor} * {budget})) without (sloth_window)"
            );
        return $"(\n  {Over(burn.Short)}\n  and\n  {Over(burn.Long)}\n)";
    }

    private static void AppendGroup(StringBuilder text, string name) =>
        text.Append("  - name: ").AppendLine(name).AppendLine("    rules:");

    private static void AppendRecord(
        StringBuilder text,
        string name,
        string expression,
        SortedDictionary<string, string> labels
    )
    {
        text.Append("      - record: ").AppendLine(name);
        AppendExpression(text, expression);
        AppendMap(text, "labels", labels);
    }

    private static void AppendAlert(StringBuilder text, SloSpec.Slo slo, string severity, string expression)
    {
        text.Append("      - alert: ").AppendLine(slo.Alerting.Name);
        AppendExpression(text, expression);
        var own = severity == "page" ? slo.Alerting.PageAlert : slo.Alerting.TicketAlert;
        AppendMap(text, "labels", With(own.Labels, "sloth_severity", severity));
        AppendMap(text, "annotations", slo.Alerting.Annotations);
    }

    private static void AppendExpression(StringBuilder text, string expression)
    {
        text.AppendLine("        expr: |-");
        foreach (var line in expression.Split('\n'))
            text.Append("          ").AppendLine(line);
    }

    private static void AppendMap(StringBuilder text, string name, SortedDictionary<string, string> values)
    {
        text.Append("        ").Append(name).AppendLine(":");
        foreach (var (key, value) in values)
            text.Append("          ")
                .Append(key)
                .Append(": \"")
                .Append(value.Replace("\"", "\\\"", StringComparison.Ordinal))
                .AppendLine("\"");
    }

    private static SortedDictionary<string, string> With(
        SortedDictionary<string, string> labels,
        string name,
        string value
    ) => new(labels, StringComparer.Ordinal) { [name] = value };
}
