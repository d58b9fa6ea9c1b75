using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;

namespace GoReliable.Tests.OnPlatform.Deploy;

/// <summary>
/// A running Prometheus, asked over its HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/
/// </summary>
/// <param name="http">Has its address.</param>
internal sealed class LivePrometheus(HttpClient http) : IDisposable
{
    /// <summary>Steps of a range, as long as there are scrapes.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(2);

    /// <summary>When the first question was asked that counts; ranges begin here.</summary>
    private readonly DateTimeOffset start = DateTimeOffset.UtcNow;

    /// <summary>All values of an expression now, of whichever series.</summary>
    public Task<double[]> NowAsync(string query) => ValuesAsync("query", new() { ["query"] = query });

    /// <summary>
    /// All values of an expression from the beginning until now, of whichever series: what a panel would draw.
    /// </summary>
    public Task<double[]> RangeAsync(string query) =>
        ValuesAsync(
            "query_range",
            new(Range(query)) { ["step"] = Step.TotalSeconds.ToString(CultureInfo.InvariantCulture) }
        );

    /// <summary>The exemplars of the series in an expression.</summary>
    public Task<JsonElement> ExemplarsAsync(string query) => AskAsync("query_exemplars", Range(query));

    /// <summary>What it scrapes, or its rules.</summary>
    public Task<JsonElement> StateAsync(string of) => AskAsync(of, []);

    public void Dispose() => http.Dispose();

    private Dictionary<string, string> Range(string query) =>
        new()
        {
            ["query"] = query,
            ["start"] = start.ToString("O", CultureInfo.InvariantCulture),
            // A step further than now: the last step would otherwise be up to that long ago, and miss what has just
            // appeared.
            ["end"] = (DateTimeOffset.UtcNow + Step).ToString("O", CultureInfo.InvariantCulture),
        };

    private async Task<double[]> ValuesAsync(string path, Dictionary<string, string> parameters)
    {
        var result = (await AskAsync(path, parameters)).GetProperty("result").EnumerateArray();
        return
        [
            .. result
                .SelectMany(series =>
                    series.TryGetProperty("values", out var values)
                        ? values.EnumerateArray().ToArray()
                        : [series.GetProperty("value")]
                )
                .Select(Number),
        ];
    }

    // [time, "value"], where a value may be "NaN", "+Inf" or "-Inf"
    private static double Number(JsonElement sample) =>
        sample[1].GetString() switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            var number => double.Parse(number!, CultureInfo.InvariantCulture),
        };

    private async Task<JsonElement> AskAsync(string path, Dictionary<string, string> parameters)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var form = new FormUrlEncodedContent(parameters);
        var uri = $"/api/v1/{path}?{await form.ReadAsStringAsync(cancellation)}";
        using var response = await http.GetAsync(uri, cancellation);
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancellation);
        return answer.GetProperty("status").GetString() == "success"
            ? answer.GetProperty("data")
            : throw new InvalidOperationException(
                $"Prometheus refuses {path} {parameters.GetValueOrDefault("query")}: "
                    + $"{answer.GetProperty("error").GetString()}"
            );
    }
}
