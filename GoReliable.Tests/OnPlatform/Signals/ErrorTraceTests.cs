using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>What is an error in the trace of an order: our own failures, and no mistake of a client.</summary>
[Collection(SharedPlatform.Name)]
public sealed class ErrorTraceTests(SharedPlatform shared)
{
    private const string Body = """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";

    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task A_client_that_resets_its_connection_is_no_error_of_ours()
    {
        var traceId = ActivityTraceId.CreateRandom().ToHexString();
        using var alice = platform.Client("orders", "alice");
        using var management = platform.Management("orders");
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) })
        {
            // A proxy between would end its own connection in another way.
            var address = platform.Address("orders");
            await socket.ConnectAsync(
                new DnsEndPoint(address.Host, address.Port),
                TestContext.Current.CancellationToken
            );
            await socket.SendAsync(
                Encoding.ASCII.GetBytes(
                    $"POST {OrdersClient.Orders} HTTP/1.1\r\nHost: orders\r\nAuthorization: "
                        + $"{alice.DefaultRequestHeaders.Authorization}\r\n"
                        + $"traceparent: 00-{traceId}-{ActivitySpanId.CreateRandom().ToHexString()}-01\r\n"
                        + $"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{\"currency\":"
                ),
                TestContext.Current.CancellationToken
            );
            // Gone before the request is read, there would be nothing to see.
            await Poll.UntilAsync(
                "the request in flight",
                async () =>
                    (await Exposition.ScrapeAsync(management)).Sum(
                        "http_server_active_requests",
                        ("http_request_method", "POST")
                    ),
                active => active > 0
            );
        }

        var server = await platform.Telemetry.WaitForSpanAsync(
            span => span.TraceId == traceId && span.Kind == ActivityKind.Server,
            TestContext.Current.CancellationToken
        );

        Assert.Equal(499L, server["http.response.status_code"]);
        Assert.Equal(ActivityStatusCode.Unset, server.Status);
        Assert.Empty(server.Events);
        Assert.DoesNotContain(platform.Telemetry.Logs(traceId), log => log.Level > LogLevel.Information);
    }

    [Theory]
    [InlineData(HttpStatusCode.BadRequest)]
    [InlineData(HttpStatusCode.NotFound)]
    [InlineData(HttpStatusCode.Conflict)]
    [InlineData(HttpStatusCode.UnprocessableEntity)]
    public async Task A_clients_mistake_is_no_error_of_ours(HttpStatusCode status)
    {
        using var alice = platform.Client("alice");
        using var answer = await MistakeAsync(alice, status);
        var problem = await answer.AssertProblemAsync(status);
        var trace = await platform.Telemetry.WaitForTraceAsync(
            problem.TraceId,
            tree => tree.IsConnected && tree.Spans.Count(span => span.Kind == ActivityKind.Server) == 2,
            TestContext.Current.CancellationToken
        );

        Assert.All(trace.Spans.Where(span => span.Kind == ActivityKind.Server), span =>
            Assert.Equal((long)status, span["http.response.status_code"])
        );
        Assert.All(trace.Spans, span => Assert.NotEqual(ActivityStatusCode.Error, span.Status));
        Assert.All(trace.Spans, span => Assert.DoesNotContain(span.Events, happened => happened.Name == "exception"));
    }

    private static async Task<HttpResponseMessage> MistakeAsync(HttpClient alice, HttpStatusCode status)
    {
        switch (status)
        {
            case HttpStatusCode.BadRequest:
                return await alice.PostRawAsync("""{"currency":"EUR","items":[]}""");
            case HttpStatusCode.NotFound:
                return await alice.ChangeStatusAsync(Guid.CreateVersion7(), "confirm");
            case HttpStatusCode.Conflict:
                var order = await alice.CreateAsync();
                await alice.ChangeStatusAsync(order, "cancel");
                return await alice.ChangeStatusAsync(order, "confirm");
            default:
                var key = Guid.NewGuid().ToString();
                await alice.PostRawAsync(Body, idempotencyKey: key);
                return await alice.PostRawAsync(
                    Body.Replace("1.5", "2.5", StringComparison.Ordinal),
                    idempotencyKey: key
                );
        }
    }

    [Fact]
    public async Task An_order_that_the_database_does_not_take_is_an_error_with_its_exception()
    {
        using var alice = platform.Client("alice");
        await using var database = await platform.DatabaseAsync("orders-db");
        HttpResponseMessage response;
        // Nobody gets past this lock: the insert runs into its time limit.
        await using (await TableLock.TakeAsync(database, "orders"))
            response = await alice.PostRawAsync(Body);

        await response.AssertProblemAsync(HttpStatusCode.GatewayTimeout);
        var trace = await platform.TraceAsync(response, "INSERT order", "create order");
        var edge = Assert.Single(trace.Roots);
        var call = trace.Only(span => span.Service == "gateway" && span.Kind == ActivityKind.Client);
        var server = trace.Only(span => span.Service == "orders" && span.Kind == ActivityKind.Server);
        var insert = trace.Only("INSERT order");
        trace.AssertWay(edge, call, server, trace.Only("create order"), insert);
        // All the way up, and nothing goes on from here.
        Assert.All(trace.Spans, span => Assert.Equal(ActivityStatusCode.Error, span.Status));
        Assert.Equal(5, trace.Spans.Count);
        // Where it came from, and in the request that it ended.
        Assert.Equal(
            [server, insert],
            trace.Spans.Where(span => span.Events.Any(happened => happened.Name == "exception"))
        );
    }
}
