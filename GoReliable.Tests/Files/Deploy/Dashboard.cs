using System.Text.Json;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>A Grafana dashboard, as far as the tests look at it.</summary>
internal sealed record Dashboard(string File, JsonElement Json)
{
    /// <summary>What Grafana would put in place of the variables, with everything selected.</summary>
    private static readonly (string Variable, string Value)[] Variables =
    [
        ("$__rate_interval", "5m"),
        ("$__range", "15m"),
        ("$environment", ".*"),
        ("$instance", ".*"),
        ("$slo", ".*"),
    ];

    public string Title => Json.GetProperty("title").GetString()!;

    public static IReadOnlyList<Dashboard> LoadAll() =>
        [
            .. DeployFiles
                .Find("deploy/grafana/dashboards", "*.json")
                .Select(file => new Dashboard(
                    DeployFiles.Relative(file),
                    JsonDocument.Parse(System.IO.File.ReadAllText(file)).RootElement
                )),
        ];

    public IReadOnlyList<JsonElement> Panels =>
        [.. Json.GetProperty("panels").EnumerateArray().Where(panel => Text(panel, "type") != "row")];

    public IReadOnlyList<JsonElement> TemplateVariables =>
        [.. Json.GetProperty("templating").GetProperty("list").EnumerateArray()];

    /// <summary>Every PromQL query of panels and annotations, ready to be sent to Prometheus.</summary>
    public IEnumerable<(string Panel, string Query)> PrometheusQueries() =>
        Panels
            .SelectMany(panel =>
                panel
                    .GetProperty("targets")
                    .EnumerateArray()
                    .Select(target => (Panel: Text(panel, "title"), Target: target))
            )
            .Concat(
                Json.GetProperty("annotations")
                    .GetProperty("list")
                    .EnumerateArray()
                    .Select(annotation => (Panel: "annotation " + Text(annotation, "name"), Target: annotation))
            )
            .Where(query => Text(query.Target.GetProperty("datasource"), "type") == "prometheus")
            .Select(query => (query.Panel, Substitute(Text(query.Target, "expr"))));

    public static string Text(JsonElement element, string property) =>
        element.TryGetProperty(property, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";

    private static string Substitute(string expression) =>
        Variables.Aggregate(expression, (text, variable) => text.Replace(variable.Variable, variable.Value));
}
