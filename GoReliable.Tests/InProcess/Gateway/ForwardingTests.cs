using System.Net;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

public sealed class ForwardingTests : GatewayTest
{
    [Theory]
    [InlineData("GET", "/nowhere", HttpStatusCode.NotFound)]
    [InlineData("GET", "/nowhere", HttpStatusCode.NotFound, "text/html,application/xhtml+xml")]
    [InlineData("GET", "/api/v1/orders/1/unknown", HttpStatusCode.NotFound)]
    [InlineData("BREW", "/api/v1/orders/1/confirm", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/api/v1/orders/1/notifications", HttpStatusCode.ServiceUnavailable)]
    [InlineData("GET", "/api/v1/orders/" + Destination.Drop, HttpStatusCode.BadGateway)]
    public async Task Every_error_of_the_gateway_is_a_problem_document_with_the_trace_id(
        string method,
        string path,
        HttpStatusCode expected,
        string? accept = null
    )
    {
        await using var gateway = await StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await gateway.Client.SendAsync(request, Cancel);

        var problem = await response.AssertProblemAsync(expected);
        Assert.NotEmpty(problem.Title!);
        Assert.Equal(response.Headers.GetValues("X-Trace-Id").Single(), problem.TraceId);
    }

    [Fact]
    public async Task A_wrong_method_is_answered_with_the_allowed_ones()
    {
        await using var gateway = await StartAsync();
        using var response = await gateway.Client.DeleteAsync(OrdersClient.Orders, Cancel);

        await response.AssertProblemAsync(HttpStatusCode.MethodNotAllowed);
        Assert.Equal(["GET", "POST"], response.Content.Headers.Allow.Order());
    }

    [Fact]
    public async Task A_request_without_the_scope_is_not_forwarded()
    {
        await using var gateway = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, OrdersClient.Orders);
        request.Headers.Authorization = GatewayProcess.Tokens.Bearer("alice", Scopes.OrdersWrite);
        using var response = await gateway.Client.SendAsync(request, Cancel);

        await response.AssertProblemAsync(HttpStatusCode.Forbidden);
        Assert.Empty(Orders.Requests);
    }

    [Fact]
    public async Task Retry_After_is_sent_only_if_the_request_reached_no_service()
    {
        await using var gateway = await StartAsync();
        using var unreachable = await gateway.Client.GetAsync("/api/v1/orders/1/notifications", Cancel);
        using var brokenOff = await gateway.Client.GetAsync($"/api/v1/orders/{Destination.Drop}", Cancel);

        Assert.Equal(TimeSpan.FromSeconds(5), unreachable.Headers.RetryAfter?.Delta);
        Assert.Null(brokenOff.Headers.RetryAfter);
    }

    [Fact]
    public async Task A_failed_forward_is_logged_once_without_a_stack_trace_and_without_the_path()
    {
        await using var gateway = await StartAsync();
        using var response = await gateway.Client.GetAsync(
            "/api/v1/orders/secret-of-alice/notifications?token=secret-of-alice",
            Cancel
        );
        var traceId = response.Headers.GetValues("X-Trace-Id").Single();
        var events = await Poll.UntilAsync(
            "the request's two events",
            () =>
                Task.FromResult(
                    gateway
                        .Events.Where(line => line.TryGetProperty("trace_id", out var id) && id.GetString() == traceId)
                        .ToArray()
                ),
            lines => lines.Length >= 2
        );

        Assert.Equal(
            ["http.forward_failed", "http.request"],
            events.Select(line => line.GetProperty("event").GetString())
        );
        Assert.Equal(["ERROR", "INFO"], events.Select(line => line.GetProperty("severity").GetString()));
        Assert.Equal("Connection refused", events[0].GetProperty("reason").GetString());
        Assert.Equal("/api/v1/orders/{id}/notifications", events[1].GetProperty("route").GetString());
        Assert.Equal(503, events[1].GetProperty("status_code").GetInt32());
        Assert.DoesNotContain(gateway.Output, line => line.Contains("secret-of-alice"));
    }

    [Fact]
    public async Task An_answer_that_the_service_breaks_off_breaks_off_for_the_client()
    {
        await using var gateway = await StartAsync();

        await Assert.ThrowsAsync<HttpRequestException>(() =>
            gateway.Client.GetStringAsync($"/api/v1/orders/{Destination.Half}", Cancel)
        );
    }

    [Fact]
    public async Task The_gateway_passes_on_the_clients_trace_but_not_its_baggage()
    {
        await using var gateway = await StartAsync();
        const string TraceId = "0af7651916cd43dd8448eb211c80319c";
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/orders/1");
        request.Headers.Add("traceparent", $"00-{TraceId}-b7ad6b7169203331-01");
        request.Headers.Add("tracestate", "vendor=1");
        request.Headers.Add("baggage", "role=admin");
        using var response = await gateway.Client.SendAsync(request, Cancel);

        Assert.Equal([TraceId], response.Headers.GetValues("X-Trace-Id"));
        var forwarded = Assert.Single(Orders.Requests);
        var parent = Assert.Single(forwarded.TraceParent);
        Assert.StartsWith($"00-{TraceId}-", parent);
        Assert.DoesNotContain("b7ad6b7169203331", parent);
        Assert.Equal("vendor=1", forwarded.TraceState);
        Assert.Equal(0, forwarded.Baggage.Count);
    }

    [Fact]
    public async Task A_newly_discovered_replica_is_used_without_a_restart()
    {
        await using var gateway = await StartAsync();
        await using var second = await Destination.StartAsync();

        await Settings.WriteAsync($$"""{ "services": { "orders": { "http": { "1": "{{second.Address}}" } } } }""");

        await Poll.UntilAsync(
            "a request to the second replica",
            async () =>
            {
                await gateway.ListAsync();
                return second.Requests.Count;
            },
            count => count > 0
        );
    }
}
