using System.Globalization;
using System.Net.Http.Headers;

namespace GoReliable.Tests.Platform;

/// <summary>A scrape's answer, as text.</summary>
internal sealed record ScrapeText(string Text)
{
    /// <summary>Scrapes a management port.</summary>
    public static async Task<ScrapeText> ReadAsync(HttpClient management, bool openMetrics = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        if (openMetrics)
            request.Headers.Accept.Add(
                MediaTypeWithQualityHeaderValue.Parse("application/openmetrics-text; version=1.0.0")
            );
        using var response = await management.SendAsync(request, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return new(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public IEnumerable<string> Lines => Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>All series of one metric, with their labels as written.</summary>
    public IEnumerable<string> Series(string metric) =>
        Lines.Where(line => line.StartsWith(metric + "{", StringComparison.Ordinal));

    /// <summary>The value of one series, or null where there is none.</summary>
    /// <param name="series">Name and labels as they are exposed.</param>
    public double? Value(string series) =>
        Lines.FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal)) is { } line
            ? double.Parse(line[(series.Length + 1)..].Split(' ')[0], CultureInfo.InvariantCulture)
            : null;

    /// <summary>Type and help of one metric.</summary>
    public (string? Type, string? Help) About(string metric) =>
        (After($"# TYPE {metric} "), After($"# HELP {metric} "));

    public override string ToString() => Text;

    private string? After(string start) =>
        Lines.FirstOrDefault(line => line.StartsWith(start, StringComparison.Ordinal))?[start.Length..];
}
