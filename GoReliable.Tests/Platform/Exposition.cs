using System.Globalization;
using System.Text.RegularExpressions;

namespace GoReliable.Tests.Platform;

/// <summary>One scrape of a service's <c>/metrics</c>, in OpenMetrics.</summary>
internal sealed partial class Exposition
{
    private readonly List<Sample> samples;

    private Exposition(string text)
    {
        Text = text;
        samples =
        [
            .. text.Split('\n').Select(line => Line().Match(line)).Where(match => match.Success).Select(Sample.Parse),
        ];
    }

    public string Text { get; }

    public IReadOnlyList<Sample> Samples => samples;

    public static async Task<Exposition> ScrapeAsync(HttpClient management)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.TryAddWithoutValidation("Accept", "application/openmetrics-text; version=1.0.0");
        using var response = await management.SendAsync(request, TestContext.Current.CancellationToken);
        return new Exposition(
            await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
        );
    }

    /// <summary>Sum over the series of that name that have these labels; 0 where there are none.</summary>
    public double Sum(string name, params (string Name, string Value)[] labels) =>
        Find(name, labels).Sum(sample => sample.Value);

    public IEnumerable<Sample> Find(string name, params (string Name, string Value)[] labels) =>
        samples.Where(sample =>
            sample.Name == name && labels.All(label => sample.Labels.GetValueOrDefault(label.Name) == label.Value)
        );

    [GeneratedRegex(
        """^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>(?:[^"}]|"[^"]*")*)\})? (?<value>\S+)"""
            + """(?: [0-9.]+)?(?: # \{(?<exemplar>[^}]*)\} .*)?$"""
    )]
    private static partial Regex Line();

    [GeneratedRegex("""(?<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>[^"]*)",?""")]
    private static partial Regex Label();

    /// <summary>One line; <paramref name="Exemplar"/> is empty where there is none.</summary>
    internal sealed record Sample(
        string Name,
        IReadOnlyDictionary<string, string> Labels,
        double Value,
        IReadOnlyDictionary<string, string> Exemplar
    )
    {
        public static Sample Parse(Match line) =>
            new(
                line.Groups["name"].Value,
                LabelsOf(line.Groups["labels"].Value),
                double.Parse(
                    line.Groups["value"].Value.Replace("+Inf", "Infinity", StringComparison.Ordinal),
                    CultureInfo.InvariantCulture
                ),
                LabelsOf(line.Groups["exemplar"].Value)
            );

        private static Dictionary<string, string> LabelsOf(string text) =>
            Label()
                .Matches(text)
                .ToDictionary(label => label.Groups["name"].Value, label => label.Groups["value"].Value);
    }
}
