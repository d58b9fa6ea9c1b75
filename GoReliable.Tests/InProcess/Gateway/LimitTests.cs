using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>Requests per second. A client's address is the one that a trusted proxy names.</summary>
[Collection(InProcessGateway.Collection)]
public sealed partial class LimitTests : IAsyncLifetime
{
    private const string Orders = "/api/v1/orders";
    private const string Rejected = "goreliable_api_gateway_requests_rejected_total";

    private Destination orders = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => orders = await Destination.StartAsync();

    public async ValueTask DisposeAsync() => await orders.DisposeAsync();

    [Fact]
    public async Task An_address_that_sends_too_much_gets_Retry_After_and_others_are_not_affected()
    {
        await using var gateway = await StartAsync();

        var flood = await SendAsync(gateway, "203.0.113.1", 30);
        var other = await SendAsync(gateway, "203.0.113.2", 3);

        Assert.All(other, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        // Three at once, and one for each second that it took.
        var refused = flood.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ToList();
        Assert.InRange(refused.Count, 15, 27);
        Assert.All(refused, answer => Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 2));
        await refused[0].AssertProblemAsync(HttpStatusCode.TooManyRequests);
        Assert.Equal(33 - refused.Count, orders.Requests.Count);
        await Poll.UntilAsync(
            "all refused requests",
            () => gateway.ScrapeAsync(),
            scrape => scrape.Value(Rejected + "{reason=\"address_rate\"}") == refused.Count
        );
    }

    [Fact]
    public async Task A_customer_has_one_limit_for_all_addresses_together()
    {
        await using var gateway = await StartAsync(
            ("RateLimits__PerCustomer__PermitsPerSecond", "1"),
            ("RateLimits__PerCustomer__Burst", "3")
        );
        async Task<HttpResponseMessage[]> SendFromManyAsync(string customer, int count) =>
            await Task.WhenAll(
                Enumerable
                    .Range(0, count)
                    .Select(i =>
                    {
                        var request = new HttpRequestMessage(HttpMethod.Get, Orders)
                        {
                            Headers = { Authorization = GatewayProcess.Tokens.Bearer(customer) },
                        };
                        request.Headers.Add("X-Forwarded-For", $"203.0.113.{i}");
                        return gateway.Client.SendAsync(request, Cancel);
                    })
            );

        var flood = await SendFromManyAsync("alice", 30);
        var other = await SendFromManyAsync("bob", 3);

        Assert.All(other, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        var refused = flood.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ToList();
        Assert.InRange(refused.Count, 15, 27);
        Assert.All(refused, answer => Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 2));
        await Poll.UntilAsync(
            "all refused requests",
            () => gateway.ScrapeAsync(),
            scrape => scrape.Value(Rejected + "{reason=\"customer_rate\"}") == refused.Count
        );
    }

    [Fact]
    public async Task Guessing_tokens_is_limited_by_the_address()
    {
        await using var gateway = await StartAsync();
        gateway.Client.DefaultRequestHeaders.Authorization = new("Bearer", "guessed");

        var answers = await SendAsync(gateway, "203.0.113.1", 30);

        Assert.InRange(answers.Count(answer => answer.StatusCode == HttpStatusCode.TooManyRequests), 15, 27);
        Assert.All(answers.Where(answer => answer.StatusCode != HttpStatusCode.TooManyRequests), answer =>
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode)
        );
    }

    [Fact]
    public async Task The_addresses_of_one_IPv6_subscriber_are_one_client()
    {
        await using var gateway = await StartAsync();

        var answers = new List<HttpResponseMessage>();
        for (var i = 0; i < 30; i++)
            answers.AddRange(await SendAsync(gateway, $"2001:db8:1:2::{i:x}", 1));

        Assert.InRange(answers.Count(answer => answer.StatusCode == HttpStatusCode.TooManyRequests), 15, 27);
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(gateway, "2001:db8:1:3::1", 1))[0].StatusCode);
    }

    [Fact]
    public async Task An_invented_address_gets_no_new_limit()
    {
        // As Aspire's deployments set it; ASP.NET would then believe anybody.
        await using var gateway = await StartAsync(
            ("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "true"),
            ("ForwardedHeaders__KnownProxies__0", "192.0.2.0/24")
        );

        var answers = new List<HttpResponseMessage>();
        for (var i = 0; i < 30; i++)
            answers.AddRange(await SendAsync(gateway, $"203.0.113.{i}", 1));

        Assert.InRange(answers.Count(answer => answer.StatusCode == HttpStatusCode.TooManyRequests), 15, 27);
    }

    [Fact]
    public async Task Health_and_metrics_are_never_limited()
    {
        await using var gateway = await StartAsync();
        await SendAsync(gateway, "203.0.113.1", 30);

        for (var i = 0; i < 30; i++)
        {
            foreach (var path in new[] { "/health/live", "/health/ready", "/metrics" })
                Assert.Equal(HttpStatusCode.OK, (await gateway.Management.GetAsync(path, Cancel)).StatusCode);
        }
    }

    [Fact]
    public async Task Thousands_of_addresses_make_no_new_series()
    {
        await using var gateway = await StartAsync();
        await SendAsync(gateway, "203.0.113.1", 30);
        var before = await gateway.ScrapeAsync();

        for (var i = 0; i < 2000; i++)
            await SendAsync(gateway, $"198.51.{i / 250}.{i % 250}", 1);

        var after = await gateway.ScrapeAsync();
        Assert.InRange(Count(after) - Count(before), 0, 100);

        // Other tests in this process are clients of other servers, which are series too.
        static int Count(ScrapeText scrape) =>
            scrape.Lines.Count(line => line.StartsWith("goreliable_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Series_of_refused_requests_exist_at_zero_from_the_start()
    {
        await using var gateway = await StartAsync();

        var scrape = await gateway.ScrapeAsync();

        Assert.All(["address_rate", "customer_rate", "load"], reason =>
            Assert.Equal(0, scrape.Value($"{Rejected}{{reason=\"{reason}\"}}"))
        );
    }

    private Task<InProcessGateway> StartAsync(params (string, string)[] settings) =>
        InProcessGateway.StartAsync(
            [orders.Address],
            [
                ("RateLimits__PerAddress__PermitsPerSecond", "1"),
                ("RateLimits__PerAddress__Burst", "3"),
                ("ForwardedHeaders__KnownProxies__0", "127.0.0.1"),
                .. settings,
            ]
        );

    private static async Task<HttpResponseMessage[]> SendAsync(InProcessGateway gateway, string address, int count) =>
        await Task.WhenAll(
            Enumerable
                .Range(0, count)
                .Select(_ =>
                {
                    var request = new HttpRequestMessage(HttpMethod.Get, Orders);
                    request.Headers.Add("X-Forwarded-For", address);
                    return gateway.Client.SendAsync(request, Cancel);
                })
        );
}
