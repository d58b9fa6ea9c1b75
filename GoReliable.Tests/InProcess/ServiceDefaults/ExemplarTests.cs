using System.Diagnostics;
using System.Diagnostics.Metrics;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Hosting;

namespace GoReliable.Tests.InProcess.ServiceDefaults;

public sealed class ExemplarTests
{
    // A counter's would cost time at each measurement, and no dashboard asks for them.
    [Theory]
    [InlineData(null, null, false, true)]
    [InlineData(null, "always_off", false, false)]
    [InlineData("trace_based", null, true, true)]
    [InlineData("always_off", null, false, false)]
    public async Task Unless_somebody_chooses_only_histograms_have_exemplars(
        string? all,
        string? histograms,
        bool ofCounter,
        bool ofHistogram
    )
    {
        var builder = BareService.Builder(
            ("OTEL_METRICS_EXEMPLAR_FILTER", all),
            ("OTEL_DOTNET_EXPERIMENTAL_METRICS_EXEMPLAR_FILTER_HISTOGRAMS", histograms)
        );
        await using var app = builder.Build();
        app.MapDefaultEndpoints();
        await app.StartAsync(TestContext.Current.CancellationToken);

        using var meter = new Meter("GoReliable.Tests.Exemplars");
        using (new Activity("request") { ActivityTraceFlags = ActivityTraceFlags.Recorded }.Start())
        {
            meter.CreateCounter<long>("exemplars_counted").Add(1);
            meter.CreateHistogram<double>("exemplars_taken").Record(1);
        }

        using var management = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{builder.Configuration["MANAGEMENT_PORT"]}"),
        };
        var scrape = await ScrapeText.ReadAsync(management, openMetrics: true);
        Assert.Equal(ofCounter, HasExemplar("exemplars_counted_total"));
        Assert.Equal(ofHistogram, HasExemplar("exemplars_taken_bucket"));

        bool HasExemplar(string metric) => string.Concat(scrape.Series(metric)).Contains("# {trace_id");
    }
}
