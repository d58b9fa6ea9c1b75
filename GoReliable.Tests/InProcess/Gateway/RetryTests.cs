using System.Net;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>What the gateway sends again, and what it never does.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class RetryTests : IAsyncLifetime
{
    private const string Orders = "/api/v1/orders";

    private readonly FailingOrders orders = new();
    private Destination good = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => good = await Destination.StartAsync();

    public async ValueTask DisposeAsync() => await good.DisposeAsync();

    [Theory]
    [InlineData("drop")]
    [InlineData("503")]
    [InlineData("hang")]
    public async Task A_read_that_fails_on_one_replica_is_sent_to_another(string failure)
    {
        await using var bad = await Destination.StartAsync(context => orders.FailAsync(context, failure));
        await using var gateway = await InProcessGateway.StartAsync(
            [bad.Address, good.Address],
            FailingOrders.PatienceFor(failure)
        );

        for (var i = 0; i < 4; i++)
            Assert.Equal(HttpStatusCode.OK, (await gateway.Client.GetAsync(Orders, Cancel)).StatusCode);

        Assert.Equal((2, 4), (bad.Requests.Count, good.Requests.Count));
    }

    [Theory]
    [InlineData("drop", "broken_off")]
    [InlineData("503", "unavailable")]
    [InlineData("hang", "timeout")]
    public async Task A_retry_is_counted_with_its_reason_and_its_request_once(string failure, string reason)
    {
        await using var bad = await Destination.StartAsync(context => orders.FailAsync(context, failure));
        await using var gateway = await InProcessGateway.StartAsync(
            [bad.Address, good.Address],
            FailingOrders.PatienceFor(failure)
        );

        for (var i = 0; i < 4; i++)
            await gateway.Client.GetAsync(Orders, Cancel);

        var scrape = await Poll.UntilAsync(
            "two retries",
            () => gateway.ScrapeAsync(),
            scrape =>
                scrape.Value($"goreliable_api_gateway_forward_retries_total{{reason=\"{reason}\",service=\"orders\"}}")
                == 2
        );
        Assert.Equal(
            4,
            scrape.Value(
                $"goreliable_api_gateway_http_requests_total{{method=\"GET\",route=\"{Orders}\",status_code=\"200\"}}"
            )
        );
    }

    [Fact]
    public async Task A_request_that_reached_no_replica_goes_to_another_even_if_not_repeatable()
    {
        await using var gateway = await InProcessGateway.StartAsync([
            new Uri($"http://127.0.0.1:{ServiceProcess.FreePort()}"),
            good.Address,
        ]);

        for (var i = 0; i < 6; i++)
            Assert.Equal(HttpStatusCode.OK, (await gateway.OrderAsync(key: null)).StatusCode);

        Assert.Equal(6, good.Requests.Count);
    }

    [Theory]
    [InlineData("drop", HttpStatusCode.BadGateway)]
    [InlineData("503", HttpStatusCode.ServiceUnavailable)]
    [InlineData("hang", HttpStatusCode.GatewayTimeout)]
    public async Task An_order_without_a_key_is_sent_once(string failure, HttpStatusCode expected)
    {
        await using var bad = await Destination.StartAsync(context => orders.FailAsync(context, failure));
        await using var gateway = await InProcessGateway.StartAsync([bad.Address], FailingOrders.PatienceFor(failure));

        Assert.Equal(expected, (await gateway.OrderAsync(key: null)).StatusCode);

        Assert.Single(orders.Bodies);
    }

    [Fact]
    public async Task A_change_without_a_body_is_sent_once_even_on_a_kept_connection()
    {
        await using var bad = await Destination.StartAsync(async context =>
        {
            if (HttpMethods.IsPost(context.Request.Method))
                await orders.FailAsync(context, "drop");
        });
        await using var gateway = await InProcessGateway.StartAsync([bad.Address]);
        await gateway.Client.GetAsync(Orders, Cancel);

        using var response = await gateway.Client.PostAsync($"{Orders}/1/confirm", content: null, Cancel);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Single(orders.Bodies);
    }

    [Theory]
    [InlineData("drop")]
    [InlineData("502")]
    [InlineData("hang")]
    public async Task An_order_with_a_key_is_sent_again_with_the_same_body(string failure)
    {
        await using var bad = await Destination.StartAsync(async context =>
        {
            if (orders.Bodies.IsEmpty)
                await orders.FailAsync(context, failure);
            else
                await orders.ReadAsync(context);
        });
        await using var gateway = await InProcessGateway.StartAsync([bad.Address], FailingOrders.PatienceFor(failure));

        Assert.Equal(HttpStatusCode.OK, (await gateway.OrderAsync("key")).StatusCode);

        Assert.Equal([InProcessGateway.OrderBody, InProcessGateway.OrderBody], orders.Bodies);
        Assert.Equal(["key", "key"], bad.Requests.Select(headers => headers["Idempotency-Key"].ToString()));
        Assert.Equal(2, bad.Requests.Select(headers => headers.TraceParent.ToString()).Distinct().Count());
    }

    [Fact]
    public async Task There_are_at_most_two_retries()
    {
        await using var bad = await Destination.StartAsync(context => orders.FailAsync(context, "503"));
        await using var gateway = await InProcessGateway.StartAsync([bad.Address]);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await gateway.OrderAsync("key")).StatusCode);

        Assert.Equal(3, orders.Bodies.Count);
    }

    [Fact]
    public async Task A_body_that_is_kept_for_a_retry_has_the_usual_limit()
    {
        await using var gateway = await InProcessGateway.StartAsync([good.Address]);
        using var request = new HttpRequestMessage(HttpMethod.Post, Orders)
        {
            Content = new ByteArrayContent(new byte[64 * 1024 + 1]),
        };
        request.Headers.TransferEncodingChunked = true;
        request.Headers.Add("Idempotency-Key", "key");

        Assert.Equal(
            HttpStatusCode.RequestEntityTooLarge,
            (await gateway.Client.SendAsync(request, Cancel)).StatusCode
        );
        Assert.Empty(good.Requests);
    }
}
