using System.Globalization;
using System.Text.RegularExpressions;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Gateway;

/// <summary>What one gateway counts, by what it counts more than before.</summary>
[Collection(OwnGateway.Name)]
public sealed partial class RequestMetricsTests(OwnGateway own)
{
    private const string Requests = "goreliable_api_gateway_http_requests_total";
    private const string Duration = "goreliable_api_gateway_http_request_duration_seconds";
    private const string InFlight = "goreliable_api_gateway_http_requests_in_flight";

    private readonly GatewayProcess gateway = own.Gateway;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Names_types_and_help_are_those_of_the_seed()
    {
        await gateway.Client.GetAsync("/api/v1/orders/1", Cancel);
        var scrape = await WaitForScrapeAsync("the first request", scrape => scrape.Series(Duration + "_count").Any());

        Assert.Equal(("counter", "Total number of HTTP requests"), scrape.About(Requests));
        Assert.Equal(("histogram", "HTTP request duration in seconds"), scrape.About(Duration));
        Assert.Equal(("gauge", "Number of HTTP requests currently being processed"), scrape.About(InFlight));
        Assert.Equal(
            ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"],
            scrape.Series(Duration + "_bucket").Select(series => Bound().Match(series).Groups[1].Value).Distinct()
        );
    }

    [Fact]
    public async Task Every_request_is_counted_once_by_method_template_and_status()
    {
        var before = await SettledAsync();
        for (var id = 1000; id < 1003; id++)
            await gateway.Client.GetAsync($"/api/v1/orders/order-{id}?page={id}", Cancel);
        await gateway.Client.GetAsync("/api/v1/orders/404", Cancel);
        await gateway.Client.PostAsync("/api/v1/orders/1/cancel", null, Cancel);
        await gateway.Client.GetAsync("/api/v2/orders", Cancel);
        await gateway.Client.DeleteAsync("/api/v1/orders", Cancel);
        await gateway.Client.GetAsync("/api/v1/orders/1/notifications", Cancel);

        (string Labels, int Count)[] expected =
        [
            ("method=\"GET\",route=\"/api/v1/orders/{id}\",status_code=\"200\"", 3),
            ("method=\"GET\",route=\"/api/v1/orders/{id}\",status_code=\"404\"", 1),
            ("method=\"POST\",route=\"/api/v1/orders/{id}/cancel\",status_code=\"200\"", 1),
            ("method=\"GET\",route=\"unknown\",status_code=\"404\"", 1),
            ("method=\"DELETE\",route=\"unknown\",status_code=\"405\"", 1),
            ("method=\"GET\",route=\"/api/v1/orders/{id}/notifications\",status_code=\"503\"", 1),
        ];
        var scrape = await WaitForScrapeAsync("eight requests", scrape => Total(scrape) == Total(before) + 8);

        Assert.All(expected, series =>
        {
            foreach (var name in new[] { Requests, $"{Duration}_count" })
            {
                var counted = $"{name}{{{series.Labels}}}";
                Assert.Equal(series.Count, scrape.Value(counted) - (before.Value(counted) ?? 0));
            }
        });
        Assert.Equal(0, scrape.Value(InFlight + "{}"));
    }

    [Fact]
    public async Task A_request_is_in_flight_until_its_client_goes_away_which_counts_as_499()
    {
        var before = await SettledAsync();
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var left = gateway.Client.GetAsync($"/api/v1/orders/{Destination.Hang}", impatient.Token);
        await WaitForScrapeAsync("one request in flight", scrape => scrape.Value(InFlight + "{}") == 1);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);

        var scrape = await WaitForScrapeAsync("nothing in flight", scrape => scrape.Value(InFlight + "{}") == 0);
        const string GoneAway = Requests + "{method=\"GET\",route=\"/api/v1/orders/{id}\",status_code=\"499\"}";
        Assert.Equal(1, scrape.Value(GoneAway) - (before.Value(GoneAway) ?? 0));
        Assert.Equal(1, Total(scrape) - Total(before));
    }

    [Fact]
    public async Task Probes_and_scrapes_are_not_counted()
    {
        // ASP.NET counts a little later than the gateway.
        var before = await WaitForScrapeAsync("both with the same number", scrape => Total(scrape) == AspNets(scrape));
        foreach (var path in new[] { "/health/live", "/health/ready", "/health/startup", "/metrics", "/api/v1/orders" })
            await gateway.Management.GetAsync(path, Cancel);
        await gateway.Client.GetAsync("/api/v1/orders", Cancel);

        var scrape = await WaitForScrapeAsync("one request more", scrape =>
            Total(scrape) > Total(before) && AspNets(scrape) > AspNets(before)
        );
        Assert.Equal((1, 1), (Total(scrape) - Total(before), AspNets(scrape) - AspNets(before)));

        static double AspNets(ScrapeText scrape) =>
            scrape.Series("http_server_request_duration_seconds_count").Sum(LastNumber);
    }

    [Fact]
    public void Series_that_alerts_use_exist_at_zero_from_the_start()
    {
        var scrape = own.AtStart;

        Assert.All(["201", "500", "502", "503", "504"], status =>
            Assert.Equal(
                0,
                scrape.Value($"{Requests}{{method=\"POST\",route=\"/api/v1/orders\",status_code=\"{status}\"}}")
            )
        );
        Assert.Equal(0, scrape.Value(InFlight + "{}"));
    }

    // A request is counted a moment after its answer, and a scrape may be a moment old.
    private async Task<ScrapeText> SettledAsync()
    {
        var last = -1.0;
        return await Poll.UntilAsync(
            "requests of other tests that are all counted",
            () => gateway.ScrapeAsync(),
            scrape =>
            {
                var isSettled = Total(scrape) == last && scrape.Value(InFlight + "{}") is null or 0;
                last = Total(scrape);
                return isSettled;
            },
            interval: TimeSpan.FromMilliseconds(500)
        );
    }

    private Task<ScrapeText> WaitForScrapeAsync(string what, Func<ScrapeText, bool> isSo) =>
        Poll.UntilAsync(what, () => gateway.ScrapeAsync(), isSo);

    private static double Total(ScrapeText scrape) => scrape.Series(Requests).Sum(LastNumber);

    private static double LastNumber(string series) =>
        double.Parse(series[(series.LastIndexOf('}') + 2)..].Split(' ')[0], CultureInfo.InvariantCulture);

    [GeneratedRegex("le=\"([^\"]+)\"")]
    private static partial Regex Bound();
}
