using System.Diagnostics;
using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>More at once than the gateway takes on: eight requests, and four that wait.</summary>
[Collection(InProcessGateway.Collection)]
public sealed partial class LoadSheddingTests : IAsyncLifetime
{
    private const string InFlight = "goreliable_api_gateway_http_requests_in_flight{}";

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

        var refused = await gateway.ListAsync(times: 50);

        foreach (var answer in refused)
            await AssertRefusedAsync(answer);
        await gateway.WaitForAsync(InProcessGateway.Rejected("load"), 50);
        Assert.All(admitted, request => Assert.False(request.IsCompleted));
        using var ready = await gateway.Management.GetAsync("/health/ready", Cancel);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);

        await AssertServedAsync(admitted);
        Assert.Equal(12, slow.Requests.Count);
    }

    [Fact]
    public async Task A_request_that_waits_too_long_is_refused_and_an_admitted_one_is_not()
    {
        var longest = TimeSpan.FromMilliseconds(700);
        await using var gateway = await StartAsync(slow, ("LoadShedding__QueueTimeout", $"{longest}"));
        var began = Stopwatch.GetTimestamp();
        var requests = await SendTwelveAsync(gateway);

        await foreach (var answered in Task.WhenEach(requests).Take(4))
            await AssertRefusedAsync(await answered);

        Assert.True(Stopwatch.GetElapsedTime(began) >= longest);
        var scrape = await gateway.WaitForAsync(InFlight, 8);
        Assert.Equal(4, scrape.Value(InProcessGateway.Rejected("load")));
        Assert.Equal(8, requests.Count(request => !request.IsCompleted));
        Assert.All(await gateway.WaitForEventsAsync("http.request", count: 4), line =>
            Assert.Equal("INFO", line.GetProperty("severity").GetString())
        );

        // Their place in the queue is free again, as is that of a client who did not want to wait.
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var left = gateway.Client.GetAsync(OrdersClient.Orders, impatient.Token);
        await gateway.WaitForAsync(InFlight, 9);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        await gateway.WaitForAsync(InFlight, 8);
        release.SetResult();
        Assert.Equal(8, (await Task.WhenAll(requests)).Count(answer => answer.StatusCode == HttpStatusCode.OK));
        Assert.Equal(8, slow.Requests.Count);
    }

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

    private Task<int> WaitForServiceAsync(int count) =>
        Poll.UntilAsync("requests at the service", () => Task.FromResult(slow.Requests.Count), found => found == count);

    private async Task<List<Task<HttpResponseMessage>>> SendTwelveAsync(InProcessGateway gateway)
    {
        var requests = Enumerable.Range(0, 12).Select(_ => gateway.ListAsync()).ToList();
        await gateway.WaitForAsync(InFlight, 12);
        await WaitForServiceAsync(8);
        return requests;
    }

    private static async Task AssertRefusedAsync(
        HttpResponseMessage answer,
        HttpStatusCode status = HttpStatusCode.ServiceUnavailable
    )
    {
        await answer.AssertProblemAsync(status);
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
    }

    private async Task AssertServedAsync(IEnumerable<Task<HttpResponseMessage>> admitted)
    {
        release.SetResult();
        Assert.All(await Task.WhenAll(admitted), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }
}
