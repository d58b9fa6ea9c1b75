using System.Diagnostics;
using System.Net;
using System.Text.Json;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>More at once than the gateway takes on: eight requests, and four that wait.</summary>
[Collection(InProcessGateway.Collection)]
public sealed partial class LoadSheddingTests : IAsyncLifetime
{
    private const string Orders = "/api/v1/orders";
    private const string InFlight = "goreliable_api_gateway_http_requests_in_flight{}";
    private const string Rejected = "goreliable_api_gateway_requests_rejected_total{reason=\"load\"}";

    private readonly TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Destination slow = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => slow = await Destination.StartAsync(_ => release.Task);

    public async ValueTask DisposeAsync()
    {
        release.TrySetResult();
        await slow.DisposeAsync();
    }

    [Fact]
    public async Task Excess_requests_are_refused_at_once_and_admitted_ones_are_served()
    {
        await using var gateway = await StartAsync(slow);
        var admitted = await SendTwelveAsync(gateway);

        var refused = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => gateway.Client.GetAsync(Orders, Cancel)));

        Assert.All(refused, answer =>
            Assert.Equal(
                (HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(1)),
                (answer.StatusCode, answer.Headers.RetryAfter?.Delta)
            )
        );
        await refused[0].AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
        await Poll.UntilAsync(
            "fifty refused requests",
            () => gateway.ScrapeAsync(),
            scrape => scrape.Value(Rejected) == 50
        );
        Assert.All(admitted, request => Assert.False(request.IsCompleted));

        release.SetResult();
        Assert.All(await Task.WhenAll(admitted), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(12, slow.Requests.Count);
    }

    [Fact]
    public async Task A_request_that_waits_too_long_is_refused_and_an_admitted_one_is_not()
    {
        var longest = TimeSpan.FromMilliseconds(700);
        await using var gateway = await StartAsync(slow, ("LoadShedding__QueueTimeout", $"{longest}"));
        var began = Stopwatch.GetTimestamp();
        var requests = await SendTwelveAsync(gateway);

        var refused = new List<HttpResponseMessage>();
        await foreach (var answered in Task.WhenEach(requests))
        {
            refused.Add(await answered);
            if (refused.Count == 4)
                break;
        }

        Assert.True(Stopwatch.GetElapsedTime(began) >= longest);
        foreach (var answer in refused)
        {
            await answer.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
            Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
        }
        var scrape = await Poll.UntilAsync(
            "eight that go on",
            () => gateway.ScrapeAsync(),
            scrape => scrape.Value(InFlight) == 8
        );
        Assert.Equal(4, scrape.Value(Rejected));
        Assert.Equal(8, requests.Count(request => !request.IsCompleted));
        var log = await Poll.UntilAsync(
            "a line for each of the four",
            () => Task.FromResult(gateway.Events.ToList()),
            log => log.Count(IsRequest) == 4
        );
        Assert.All(log, line => Assert.Equal("INFO", line.GetProperty("severity").GetString()));

        // Their place in the queue is free again, as is that of a client who did not want to wait.
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var left = gateway.Client.GetAsync(Orders, impatient.Token);
        await Poll.UntilAsync("a ninth", () => gateway.ScrapeAsync(), scrape => scrape.Value(InFlight) == 9);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        await Poll.UntilAsync("eight again", () => gateway.ScrapeAsync(), scrape => scrape.Value(InFlight) == 8);
        release.SetResult();
        Assert.Equal(8, (await Task.WhenAll(requests)).Count(answer => answer.StatusCode == HttpStatusCode.OK));
        Assert.Equal(8, slow.Requests.Count);
    }

    [Fact]
    public async Task Health_and_metrics_are_answered_under_any_load()
    {
        await using var gateway = await StartAsync(slow);
        var load = Enumerable.Range(0, 30).Select(_ => gateway.Client.GetAsync(Orders, Cancel)).ToList();
        await Poll.UntilAsync("refused requests", () => gateway.ScrapeAsync(), scrape => scrape.Value(Rejected) == 18);

        Assert.Equal(HttpStatusCode.OK, (await gateway.Management.GetAsync("/health/live", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await gateway.Management.GetAsync("/health/ready", Cancel)).StatusCode);

        release.SetResult();
        await Task.WhenAll(load);
    }

    private static bool IsRequest(JsonElement line) =>
        line.TryGetProperty("event", out var name) && name.GetString() == "http.request";

    // Whoever waits, waits for a minute, and one customer may have all the places, if the test does not say otherwise.
    private static Task<InProcessGateway> StartAsync(Destination orders, params (string, string)[] settings) =>
        InProcessGateway.StartAsync(
            [orders.Address],
            [
                ("LoadShedding__Concurrency", "8"),
                ("LoadShedding__Queue", "4"),
                ("LoadShedding__QueueTimeout", "00:01:00"),
                ("LoadShedding__PerCustomer", "1000"),
                ("Resilience__TryTimeout", "00:01:00"),
                ("Resilience__TotalTimeout", "00:01:00"),
                .. settings,
            ]
        );

    private async Task<List<Task<HttpResponseMessage>>> SendTwelveAsync(InProcessGateway gateway)
    {
        var requests = Enumerable.Range(0, 12).Select(_ => gateway.Client.GetAsync(Orders, Cancel)).ToList();
        await Poll.UntilAsync(
            "twelve requests in flight",
            () => gateway.ScrapeAsync(),
            scrape => scrape.Value(InFlight) == 12
        );
        await Poll.UntilAsync(
            "eight of them at the service",
            () => Task.FromResult(slow.Requests.Count),
            count => count == 8
        );
        return requests;
    }
}
