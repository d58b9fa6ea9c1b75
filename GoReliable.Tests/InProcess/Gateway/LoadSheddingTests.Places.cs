using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>Who has a place, and for how long: nobody keeps those of all the others.</summary>
public sealed partial class LoadSheddingTests
{
    [Fact]
    public async Task One_customer_cannot_have_all_the_places()
    {
        await using var gateway = await StartAsync(slow, ("LoadShedding__PerCustomer", "6"));
        var admitted = Enumerable.Range(0, 6).Select(_ => gateway.Client.GetAsync(Orders, Cancel)).ToList();
        await Poll.UntilAsync("six at the service", () => Task.FromResult(slow.Requests.Count), count => count == 6);

        using var refused = await gateway.Client.GetAsync(Orders, Cancel);
        await refused.AssertProblemAsync(HttpStatusCode.TooManyRequests);
        Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
        Assert.Equal(
            1,
            (await gateway.ScrapeAsync()).Value(
                "goreliable_api_gateway_requests_rejected_total{reason=\"customer_load\"}"
            )
        );

        admitted.Add(SendAsync(gateway, "bob"));
        await Poll.UntilAsync(
            "somebody else's request at the service",
            () => Task.FromResult(slow.Requests.Count),
            count => count == 7
        );
        release.SetResult();
        Assert.All(await Task.WhenAll(admitted), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }

    [Fact]
    public async Task One_address_without_a_token_cannot_have_all_the_places()
    {
        await using var gateway = await StartAsync(
            slow,
            ("LoadShedding__PerCustomer", "6"),
            ("ForwardedHeaders__KnownProxies__0", "127.0.0.1")
        );
        async Task<HttpResponseMessage> AskAsync(string address)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/docs")
            {
                Headers = { Authorization = new("Bearer", "none") },
            };
            request.Headers.Add("X-Forwarded-For", address);
            return await gateway.Client.SendAsync(request, Cancel);
        }
        var admitted = Enumerable.Range(0, 6).Select(_ => AskAsync("203.0.113.1")).ToList();
        await Poll.UntilAsync("six at the service", () => Task.FromResult(slow.Requests.Count), count => count == 6);

        using var refused = await AskAsync("203.0.113.1");
        await refused.AssertProblemAsync(HttpStatusCode.TooManyRequests);

        admitted.AddRange([AskAsync("203.0.113.2"), gateway.Client.GetAsync(Orders, Cancel)]);
        await Poll.UntilAsync(
            "two others at the service",
            () => Task.FromResult(slow.Requests.Count),
            count => count == 8
        );
        release.SetResult();
        Assert.All(await Task.WhenAll(admitted), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }

    [Fact]
    public async Task Bodies_on_their_way_take_no_place()
    {
        release.SetResult();
        await using var gateway = await StartAsync(
            slow,
            ("LoadShedding__Queue", "0"),
            ("LoadShedding__PerCustomer", "4")
        );
        var dripping = new List<SlowBody>();
        foreach (var customer in new[] { "mallory", "mallet", "marvin", "trudy" })
        {
            for (var i = 0; i < 4; i++)
                dripping.Add(await SlowBody.BeginAsync(gateway, customer));
        }
        await Poll.UntilAsync("sixteen in flight", () => gateway.ScrapeAsync(), scrape => scrape.Value(InFlight) == 16);

        Assert.Equal(HttpStatusCode.OK, (await gateway.Client.GetAsync(Orders, Cancel)).StatusCode);
        // The customer's own number counts them.
        await (await SendAsync(gateway, "mallory")).AssertProblemAsync(HttpStatusCode.TooManyRequests);
        // When it is here, it is forwarded as any other.
        Assert.StartsWith("HTTP/1.1 200 ", await dripping[0].EndAsync(), StringComparison.Ordinal);
        dripping.ForEach(body => body.Dispose());
    }

    [Fact]
    public async Task Answers_that_clients_read_slowly_take_no_place()
    {
        await using var large = await Destination.StartAsync(async context =>
        {
            if (context.Request.Query.ContainsKey("large"))
                await context.Response.Body.WriteAsync(new byte[20_000_000], context.RequestAborted);
        });
        await using var gateway = await StartAsync(large, ("LoadShedding__Queue", "0"));
        // Their headers are here, and nobody reads on.
        var unread = new List<HttpResponseMessage>();
        for (var i = 0; i < 8; i++)
            unread.Add(
                await gateway.Client.GetAsync($"{Orders}?large", HttpCompletionOption.ResponseHeadersRead, Cancel)
            );

        Assert.Equal(HttpStatusCode.OK, (await gateway.Client.GetAsync(Orders, Cancel)).StatusCode);
        Assert.Equal(8, (await gateway.ScrapeAsync()).Value(InFlight));
        unread.ForEach(answer => answer.Dispose());
    }

    [Fact]
    public async Task The_pages_of_the_documentation_have_places_of_their_own()
    {
        await using var gateway = await StartAsync(slow, ("LoadShedding__Queue", "0"), ("LoadShedding__Docs", "2"));
        var readers = Enumerable.Range(0, 2).Select(_ => gateway.Client.GetAsync("/docs", Cancel)).ToList();
        await Poll.UntilAsync("two at the service", () => Task.FromResult(slow.Requests.Count), count => count == 2);
        await (await gateway.Client.GetAsync("/docs", Cancel)).AssertProblemAsync(HttpStatusCode.ServiceUnavailable);

        readers.AddRange(Enumerable.Range(0, 8).Select(_ => gateway.Client.GetAsync(Orders, Cancel)));
        await Poll.UntilAsync(
            "eight more at the service",
            () => Task.FromResult(slow.Requests.Count),
            count => count == 10
        );
        await (await gateway.Client.GetAsync(Orders, Cancel)).AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
        release.SetResult();
        Assert.All(await Task.WhenAll(readers), answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }

    private static async Task<HttpResponseMessage> SendAsync(InProcessGateway gateway, string customer)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Orders)
        {
            Headers = { Authorization = GatewayProcess.Tokens.Bearer(customer) },
        };
        return await gateway.Client.SendAsync(request, Cancel);
    }
}
