using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>What the gateway sends again, and what it never does.</summary>
public sealed class RetryTests : GatewayTest
{
    private readonly FailingOrders failing = new();

    [Theory]
    [InlineData(Destination.Drop, "broken_off")]
    [InlineData("503", "unavailable")]
    [InlineData(Destination.Hang, "timeout")]
    public async Task A_read_that_fails_on_one_replica_is_sent_to_another_and_counted_once(
        string failure,
        string reason
    )
    {
        await using var bad = await Destination.StartAsync(context => failing.FailAsync(context, failure));
        await using var gateway = await StartBeforeAsync(failure, bad.Address, Orders.Address);

        for (var i = 0; i < 4; i++)
            Assert.Equal(HttpStatusCode.OK, (await gateway.ListAsync()).StatusCode);

        Assert.Equal((2, 4), (bad.Requests.Count, Orders.Requests.Count));
        var retries = $"goreliable_api_gateway_forward_retries_total{{reason=\"{reason}\",service=\"orders\"}}";
        var scrape = await gateway.WaitForAsync(retries, 2);
        const string Labels = "method=\"GET\",route=\"/api/v1/orders\",status_code=\"200\"";
        Assert.Equal(4, scrape.Value($"goreliable_api_gateway_http_requests_total{{{Labels}}}"));
    }

    [Theory]
    [InlineData(Destination.Drop, HttpStatusCode.BadGateway)]
    [InlineData("503", HttpStatusCode.ServiceUnavailable)]
    [InlineData(Destination.Hang, HttpStatusCode.GatewayTimeout)]
    public async Task An_order_without_a_key_is_sent_once(string failure, HttpStatusCode expected)
    {
        await using var bad = await Destination.StartAsync(context => failing.FailAsync(context, failure));
        await using var gateway = await StartBeforeAsync(failure, bad.Address);

        using var response = await gateway.OrderAsync(key: null);

        Assert.Equal(expected, response.StatusCode);
        // Retry-After would invite the client to repeat an order that may have been stored.
        Assert.True(failure == "503" || response.Headers.RetryAfter is null);
        Assert.Single(failing.Bodies);
    }

    [Fact]
    public async Task A_change_without_a_body_is_sent_once_even_on_a_kept_connection()
    {
        await using var bad = await Destination.StartAsync(async context =>
        {
            if (HttpMethods.IsPost(context.Request.Method))
                await failing.FailAsync(context, Destination.Drop);
        });
        await using var gateway = await InProcessGateway.StartAsync([bad.Address]);
        await gateway.ListAsync();

        using var response = await gateway.Client.ChangeStatusAsync(Guid.Empty, "confirm");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Single(failing.Bodies);
    }

    [Theory]
    [InlineData(Destination.Drop)]
    [InlineData("502")]
    public async Task An_order_with_a_key_is_sent_again_with_the_same_body(string failure)
    {
        await using var bad = await Destination.StartAsync(context =>
            failing.Bodies.IsEmpty ? failing.FailAsync(context, failure) : failing.ReadAsync(context)
        );
        await using var gateway = await InProcessGateway.StartAsync([bad.Address]);

        Assert.Equal(HttpStatusCode.OK, (await gateway.OrderAsync("key")).StatusCode);

        Assert.Equal([InProcessGateway.OrderBody, InProcessGateway.OrderBody], failing.Bodies);
        Assert.Equal(["key", "key"], bad.Requests.Select(headers => headers["Idempotency-Key"].ToString()));
        Assert.Equal(2, bad.Requests.Select(headers => headers.TraceParent.ToString()).Distinct().Count());
    }

    // Requests that failed at the same time must not be sent again at the same time.
    [Fact]
    public async Task Retries_wait_for_a_random_time()
    {
        // One answer of three is a failure: too few for the replica to be left out.
        var arrivals = new ConcurrentQueue<long>();
        await using var shaky = await Destination.StartAsync(context =>
        {
            arrivals.Enqueue(Stopwatch.GetTimestamp());
            if (arrivals.Count % 3 == 1)
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        });
        await using var gateway = await InProcessGateway.StartAsync([shaky.Address]);

        for (var i = 0; i < 40; i++)
            Assert.Equal(HttpStatusCode.OK, (await gateway.ListAsync()).StatusCode);

        var pauses = arrivals.Chunk(3).Select(tries => Stopwatch.GetElapsedTime(tries[0], tries[1])).ToList();
        Assert.Equal(20, pauses.Count);
        // Without chance all would be alike. None may be short on a busy machine, but they still differ.
        Assert.True(pauses.Max() - pauses.Min() > TimeSpan.FromMilliseconds(15), string.Join(' ', pauses));
    }

    // Where a replica hangs, it is not waited for as long as on a busy machine.
    private static Task<InProcessGateway> StartBeforeAsync(string failure, params Uri[] replicas) =>
        InProcessGateway.StartAsync(replicas, failure == Destination.Hang ? GatewayProcess.Impatient : []);
}
