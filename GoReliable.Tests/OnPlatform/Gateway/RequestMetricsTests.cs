using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Gateway;

public sealed partial class RequestMetricsTests : IAsyncLifetime
{
    private const string Requests = "goreliable_api_gateway_http_requests_total";
    private const string Duration = "goreliable_api_gateway_http_request_duration_seconds";
    private const string InFlight = "goreliable_api_gateway_http_requests_in_flight";

    private Destination orders = null!;
    private GatewayProcess gateway = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        orders = await Destination.StartAsync();
        gateway = await GatewayProcess.StartAsync([orders.Address]);
    }

    public async ValueTask DisposeAsync()
    {
        await gateway.DisposeAsync();
        await orders.DisposeAsync();
    }

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
            scrape.Series(Duration + "_bucket").Select(series => Bound().Match(series).Groups[1].Value)
        );
        Assert.DoesNotContain("otel_scope", scrape.Text, StringComparison.Ordinal);
        Assert.Single(scrape.Series("target_info"));
    }

    [Fact]
    public async Task Every_request_is_counted_once_by_method_template_and_status()
    {
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
        var scrape = await WaitForScrapeAsync("eight requests", scrape => Total(scrape) == 8);

        Assert.All(expected, series =>
        {
            Assert.Equal(series.Count, scrape.Value($"{Requests}{{{series.Labels}}}"));
            Assert.Equal(series.Count, scrape.Value($"{Duration}_count{{{series.Labels}}}"));
        });
        Assert.Equal(0, scrape.Value(InFlight + "{}"));
    }

    [Fact]
    public async Task Random_methods_and_paths_and_hosts_add_a_handful_of_series()
    {
        await gateway.Client.GetAsync("/api/v1/orders/1", Cancel);
        var before = await WaitForScrapeAsync("the first request", scrape => Total(scrape) == 1);

        for (var i = 0; i < 500; i++)
        {
            var path = i % 2 == 0 ? $"/api/v1/orders/{Guid.NewGuid()}" : $"/{Guid.NewGuid()}/{i}";
            using var request = new HttpRequestMessage(new HttpMethod($"M{Guid.NewGuid():N}"), path);
            request.Headers.Host = $"{Guid.NewGuid()}.example";
            using var response = await gateway.Client.SendAsync(request, Cancel);
        }

        var after = await WaitForScrapeAsync("501 requests", scrape => Total(scrape) == 501);
        Assert.Equal(2, after.Series(Requests).Count() - before.Series(Requests).Count());
        Assert.Equal(250, after.Value(Requests + "{method=\"_OTHER\",route=\"unknown\",status_code=\"404\"}"));
        Assert.Equal(250, after.Value(Requests + "{method=\"_OTHER\",route=\"unknown\",status_code=\"405\"}"));
        // Also the standard instruments: two histograms of 17 lines each, a counter of routing, connections.
        Assert.InRange(after.Lines.Count() - before.Lines.Count(), 0, 120);
    }

    [Fact]
    public async Task A_request_is_in_flight_until_its_client_goes_away_which_counts_as_499()
    {
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(gateway.Client.BaseAddress!.Host, gateway.Client.BaseAddress.Port, Cancel);
            await client
                .GetStream()
                .WriteAsync(
                    Encoding.ASCII.GetBytes(
                        $"GET /api/v1/orders/{Destination.Hang} HTTP/1.1\r\nHost: x\r\n"
                            + $"Authorization: {GatewayProcess.Tokens.Bearer("alice")}\r\n\r\n"
                    ),
                    Cancel
                );
            await WaitForScrapeAsync("one request in flight", scrape => scrape.Value(InFlight + "{}") == 1);
        }

        var scrape = await WaitForScrapeAsync("nothing in flight", scrape => scrape.Value(InFlight + "{}") == 0);
        Assert.Equal(1, scrape.Value(Requests + "{method=\"GET\",route=\"/api/v1/orders/{id}\",status_code=\"499\"}"));
        Assert.Equal(1, Total(scrape));
    }

    [Fact]
    public async Task Probes_and_scrapes_are_not_counted()
    {
        foreach (var path in new[] { "/health/live", "/health/ready", "/health/startup", "/metrics", "/api/v1/orders" })
            await gateway.Management.GetAsync(path, Cancel);
        await gateway.Client.GetAsync("/api/v1/orders", Cancel);

        // ASP.NET counts a little later than the gateway.
        var scrape = await WaitForScrapeAsync("one request", scrape => Total(scrape) >= 1 && AspNets(scrape) >= 1);
        Assert.Equal((1, 1), (Total(scrape), AspNets(scrape)));

        static double AspNets(ScrapeText scrape) =>
            scrape.Series("http_server_request_duration_seconds_count").Sum(LastNumber);
    }

    [Fact]
    public async Task Series_that_alerts_use_exist_at_zero_from_the_start()
    {
        var scrape = await gateway.ScrapeAsync();

        Assert.Equal(0, scrape.Value(Requests + "{method=\"POST\",route=\"/api/v1/orders\",status_code=\"201\"}"));
        Assert.All(["500", "502", "503", "504"], status =>
            Assert.Equal(
                0,
                scrape.Value($"{Requests}{{method=\"POST\",route=\"/api/v1/orders\",status_code=\"{status}\"}}")
            )
        );
        Assert.Equal(0, scrape.Value(InFlight + "{}"));
    }

    [Fact]
    public async Task An_exemplar_leads_from_a_bucket_to_the_trace_and_only_under_OpenMetrics()
    {
        using var response = await gateway.Client.GetAsync("/api/v1/orders/1", Cancel);
        var traceId = response.Headers.GetValues("X-Trace-Id").Single();

        var plain = await WaitForScrapeAsync("one request", scrape => Total(scrape) == 1);
        var openMetrics = await gateway.ScrapeAsync(openMetrics: true);

        Assert.Contains(openMetrics.Series(Duration + "_bucket"), line =>
            line.Contains($"# {{trace_id=\"{traceId}\"", StringComparison.Ordinal)
        );
        Assert.EndsWith("# EOF\n", openMetrics.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("trace_id", plain.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Promtool_finds_no_problem_in_our_own_families()
    {
        await gateway.Client.GetAsync("/api/v1/orders/1", Cancel);
        var scrape = await WaitForScrapeAsync("one request", scrape => Total(scrape) == 1);

        // It reads the plain text format only.
        var start = new ProcessStartInfo("promtool", ["check", "metrics"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var promtool = Process.Start(start)!;
        await promtool.StandardInput.WriteAsync(scrape.Text.AsMemory(), Cancel);
        promtool.StandardInput.Close();
        var said =
            await promtool.StandardOutput.ReadToEndAsync(Cancel) + await promtool.StandardError.ReadToEndAsync(Cancel);
        await promtool.WaitForExitAsync(Cancel);

        Assert.DoesNotContain("error while linting", said, StringComparison.Ordinal);
        Assert.DoesNotContain("goreliable", said, StringComparison.Ordinal);
    }

    private Task<ScrapeText> WaitForScrapeAsync(string what, Func<ScrapeText, bool> isSo) =>
        Poll.UntilAsync(what, () => gateway.ScrapeAsync(), isSo);

    private static double Total(ScrapeText scrape) => scrape.Series(Requests).Sum(LastNumber);

    private static double LastNumber(string series) =>
        double.Parse(series[(series.LastIndexOf('}') + 2)..].Split(' ')[0], CultureInfo.InvariantCulture);

    [GeneratedRegex("le=\"([^\"]+)\"")]
    private static partial Regex Bound();
}
