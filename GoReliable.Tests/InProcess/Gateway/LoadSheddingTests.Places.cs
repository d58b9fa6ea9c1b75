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
        var admitted = Enumerable.Range(0, 6).Select(_ => gateway.ListAsync()).ToList();
        await WaitForServiceAsync(6);

        await AssertRefusedAsync(await gateway.ListAsync(), HttpStatusCode.TooManyRequests);
        Assert.Equal(1, (await gateway.ScrapeAsync()).Value(InProcessGateway.Rejected("customer_load")));

        admitted.Add(gateway.ListAsync("bob"));
        await WaitForServiceAsync(7);
        await AssertServedAsync(admitted);
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
        await WaitForServiceAsync(6);

        await AssertRefusedAsync(await AskAsync("203.0.113.1"), HttpStatusCode.TooManyRequests);

        admitted.AddRange([AskAsync("203.0.113.2"), gateway.ListAsync()]);
        await WaitForServiceAsync(8);
        await AssertServedAsync(admitted);
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
        var dripping = new List<SlowRequest>();
        foreach (var customer in new[] { "mallory", "mallet", "marvin", "trudy" })
        {
            for (var i = 0; i < 4; i++)
                dripping.Add(await SlowRequest.BeginAsync(gateway, customer, "POST", "Content-Length: 3\r\n\r\na"));
        }
        await gateway.WaitForAsync(InFlight, 16);

        Assert.Equal(HttpStatusCode.OK, (await gateway.ListAsync()).StatusCode);
        // The customer's own number counts them.
        await AssertRefusedAsync(await gateway.ListAsync("mallory"), HttpStatusCode.TooManyRequests);
        // When it is here, it is forwarded as any other.
        await dripping[0].SendAsync("bc");
        Assert.StartsWith("HTTP/1.1 200 ", await dripping[0].AnswerAsync());
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
                await gateway.Client.GetAsync(
                    $"{OrdersClient.Orders}?large",
                    HttpCompletionOption.ResponseHeadersRead,
                    Cancel
                )
            );

        Assert.Equal(HttpStatusCode.OK, (await gateway.ListAsync()).StatusCode);
        Assert.Equal(8, (await gateway.ScrapeAsync()).Value(InFlight));
        unread.ForEach(answer => answer.Dispose());
    }

    [Fact]
    public async Task The_pages_of_the_documentation_have_places_of_their_own()
    {
        await using var gateway = await StartAsync(slow, ("LoadShedding__Queue", "0"), ("LoadShedding__Docs", "2"));
        Task<HttpResponseMessage> ReadAsync() => gateway.Client.GetAsync("/docs", Cancel);
        var admitted = new List<Task<HttpResponseMessage>> { ReadAsync(), ReadAsync() };
        await WaitForServiceAsync(2);
        await AssertRefusedAsync(await ReadAsync());

        admitted.AddRange(Enumerable.Range(0, 8).Select(_ => gateway.ListAsync()));
        await WaitForServiceAsync(10);
        await AssertRefusedAsync(await gateway.ListAsync());
        await AssertServedAsync(admitted);
    }
}
