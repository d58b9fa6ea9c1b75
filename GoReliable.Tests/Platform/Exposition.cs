using System.Globalization;
using System.Text.RegularExpressions;

namespace GoReliable.Tests.Platform;

/// <summary>One scrape of a service's <c>/metrics</c>, sample by sample.</summary>
internal sealed partial class Exposition
{
    private readonly List<Sample> samples = [];

    private Exposition(string text)
    {
        Text = text;
        var (family, type) = ("", "");
        foreach (var line in text.Split('\n'))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal) && line.Split(' ') is [_, _, var name, var kind])
                (family, type) = (name, kind);
            else if (Line().Match(line) is { Success: true } match)
                samples.Add(Sample.Parse(match, family, type));
        }
    }

    public string Text { get; }

    public IReadOnlyList<Sample> Samples => samples;

    /// <summary>In OpenMetrics, which has exemplars; otherwise as Prometheus names the families.</summary>
    public static async Task<Exposition> ScrapeAsync(HttpClient management, bool openMetrics = true) =>
        new((await ScrapeText.ReadAsync(management, openMetrics)).Text);

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

    /// <summary>
    /// One line, with what the TYPE line above it says; <paramref name="Exemplar"/> is empty where there is none.
    /// </summary>
    internal sealed record Sample(
        string Name,
        string Family,
        string Type,
        IReadOnlyDictionary<string, string> Labels,
        double Value,
        IReadOnlyDictionary<string, string> Exemplar
    )
    {
        public static Sample Parse(Match line, string family, string type) =>
            new(
                line.Groups["name"].Value,
                family,
                type,
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
