using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Gateway;

/// <summary>More at once than the gateway takes on.</summary>
public sealed class LoadSheddingTests : IAsyncLifetime
{
    private const string Orders = "/api/v1/orders";

    private readonly TaskCompletionSource release = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Destination slow = null!;
    private GatewayProcess gateway = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        slow = await Destination.StartAsync(_ => release.Task);
        gateway = await GatewayProcess.StartAsync([slow.Address],
            ("LoadShedding__Concurrency", "8"), ("LoadShedding__Queue", "4"), ("Resilience__TryTimeout", "00:01:00"), ("Resilience__TotalTimeout", "00:01:00"));
    }

    public async ValueTask DisposeAsync()
    {
        await gateway.DisposeAsync();
        await slow.DisposeAsync();
    }

    [Fact]
    public async Task What_is_too_much_is_refused_at_once_and_what_was_admitted_is_served()
    {
        var admitted = Enumerable.Range(0, 12).Select(_ => gateway.Client.GetAsync(Orders, Cancel)).ToList();
        await Eventually.SeeAsync("twelve requests in flight", () => gateway.ScrapeAsync(), scrape => scrape.Value("goreliable_api_gateway_http_requests_in_flight{}") == 12);
        await Eventually.SeeAsync("eight of them at the service", () => Task.FromResult(slow.Requests.Count), count => count == 8);

        var refused = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => gateway.Client.GetAsync(Orders, Cancel)));

        Assert.All(refused, answer => Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode));
        Assert.All(refused, answer => Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta));
        await refused[0].AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
        await Eventually.SeeAsync("fifty refused requests", () => gateway.ScrapeAsync(), scrape => scrape.Value("goreliable_api_gateway_requests_rejected_total{reason=\"load\"}") == 50);
        Assert.All(admitted, request => Assert.False(request.IsCompleted));

        release.SetResult();
        Assert.All(await Task.WhenAll(admitted), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(12, slow.Requests.Count);
    }

    [Fact]
    public async Task One_customer_cannot_have_all_the_places()
    {
        await using var shared = await GatewayProcess.StartAsync([slow.Address], ("LoadShedding__Concurrency", "8"), ("LoadShedding__PerCustomer", "6"));
        var admitted = Enumerable.Range(0, 6).Select(_ => shared.Client.GetAsync(Orders, Cancel)).ToList();
        await Eventually.SeeAsync("six at the service", () => Task.FromResult(slow.Requests.Count), count => count == 6);

        using var refused = await shared.Client.GetAsync(Orders, Cancel);
        await refused.AssertProblemAsync(HttpStatusCode.TooManyRequests);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
        Assert.Equal(1, (await shared.ScrapeAsync()).Value("goreliable_api_gateway_requests_rejected_total{reason=\"customer_load\"}"));

        using var request = new HttpRequestMessage(HttpMethod.Get, Orders) { Headers = { Authorization = GatewayProcess.Tokens.Bearer("bob") } };
        admitted.Add(shared.Client.SendAsync(request, Cancel));
        await Eventually.SeeAsync("somebody else's request at the service", () => Task.FromResult(slow.Requests.Count), count => count == 7);
        release.SetResult();
        Assert.All(await Task.WhenAll(admitted), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }

    [Fact]
    public async Task Health_and_metrics_are_answered_under_any_load()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var load = Enumerable.Range(0, 30).Select(_ => gateway.Client.GetAsync(Orders, stop.Token)).ToList();
        await Eventually.SeeAsync("refused requests", () => gateway.ScrapeAsync(), scrape => scrape.Value("goreliable_api_gateway_requests_rejected_total{reason=\"load\"}") == 18);

        Assert.Equal(HttpStatusCode.OK, (await gateway.Management.GetAsync("/health/live", Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await gateway.Management.GetAsync("/health/ready", Cancel)).StatusCode);

        release.SetResult();
        await Task.WhenAll(load);
    }
}
