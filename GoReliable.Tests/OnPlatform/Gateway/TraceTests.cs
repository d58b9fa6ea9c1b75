using System.Diagnostics;
using System.Net;
using GoReliable.Tests.Platform;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Gateway;

public sealed class TraceTests : IAsyncLifetime
{
    private OtlpEndpoint otlp = null!;
    private Destination orders = null!;
    private GatewayProcess gateway = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        otlp = await OtlpEndpoint.StartAsync(Cancel);
        orders = await Destination.StartAsync();
        gateway = await GatewayProcess.StartAsync(
            [orders.Address],
            ("OTEL_EXPORTER_OTLP_ENDPOINT", otlp.GrpcEndpoint.ToString()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "200")
        );
    }

    public async ValueTask DisposeAsync()
    {
        await gateway.DisposeAsync();
        await orders.DisposeAsync();
        await otlp.DisposeAsync();
    }

    [Fact]
    public async Task A_request_is_one_server_span_with_one_client_span_below_it()
    {
        var (trace, _) = await TraceAsync("/api/v1/orders/1");

        var server = trace.Only("GET /api/v1/orders/{id}");
        var client = trace.Only("GET");
        Assert.Equal(2, trace.Spans.Count);
        Assert.Equal((ActivityKind.Server, ActivityKind.Client), (server.Kind, client.Kind));
        Assert.Equal(server, trace.ParentOf(client));
        Assert.Equal(client.SpanId, Assert.Single(orders.Requests).TraceParent.ToString().Split('-')[2]);
        Assert.Equal("/api/v1/orders/{id}", server["http.route"]);
    }

    [Fact]
    public async Task Not_found_is_no_error_in_any_span()
    {
        var (trace, status) = await TraceAsync("/api/v1/orders/404");

        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.All(trace.Spans, span => Assert.Equal(ActivityStatusCode.Unset, span.Status));
        Assert.All(trace.Spans, span => Assert.Null(span["error.type"]));
        Assert.All(trace.Spans, span => Assert.Equal(404L, span["http.response.status_code"]));
    }

    [Fact]
    public async Task A_body_that_turns_out_too_long_is_not_forwarded_and_no_error()
    {
        using var body = new StreamContent(new MemoryStream(new byte[200 * 1024]));
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/orders")
        {
            Content = body,
            Headers = { TransferEncodingChunked = true },
        };
        using var response = await gateway.Client.SendAsync(request, Cancel);
        var trace = await otlp.WaitForTraceAsync(
            response.Headers.GetValues("X-Trace-Id").Single(),
            tree => tree.Spans.Count >= 1,
            Cancel
        );

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        var server = Assert.Single(trace.Spans);
        Assert.Empty(server.Events);
        Assert.Equal(ActivityStatusCode.Unset, server.Status);
        Assert.Null(server["error.type"]);
    }

    [Fact]
    public async Task An_unreachable_service_is_an_error_in_all_spans_with_the_reason_in_the_client_span()
    {
        var (trace, status) = await TraceAsync("/api/v1/orders/1/notifications", spans: 4);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.All(trace.Spans, span => Assert.Equal(ActivityStatusCode.Error, span.Status));
        Assert.All(trace.Spans.Where(span => span.Kind == ActivityKind.Client), span =>
            Assert.Equal("exception", Assert.Single(span.Events).Name)
        );
    }

    [Fact]
    public async Task Each_try_has_a_client_span_and_the_request_has_one_server_span()
    {
        var (trace, status) = await TraceAsync("/api/v1/orders/502", spans: 4);

        Assert.Equal(HttpStatusCode.BadGateway, status);
        var server = trace.Only("GET /api/v1/orders/{id}");
        var tries = trace.Spans.Where(span => span.Kind == ActivityKind.Client).ToList();
        Assert.Equal((4, 3), (trace.Spans.Count, tries.Count));
        Assert.All(tries, client => Assert.Equal(server, trace.ParentOf(client)));
        Assert.Equal(
            tries.Select(client => client.SpanId).Order(),
            orders.Requests.Select(headers => headers.TraceParent.ToString().Split('-')[2]).Order()
        );
    }

    [Fact]
    public async Task Spans_and_logs_say_which_service_and_version_they_are_from()
    {
        var (trace, _) = await TraceAsync("/api/v1/orders");
        var log = await otlp.WaitForLogAsync(
            log => log.TraceId == trace.TraceId && log.EventName == "http.request",
            Cancel
        );

        foreach (var resource in new[] { trace.Spans[0].Resource, log.Resource })
        {
            Assert.Equal("gateway", resource["service.name"]);
            Assert.Equal("goreliable", resource["service.namespace"]);
            Assert.Equal("development", resource["deployment.environment.name"]);
            Assert.NotEqual("", resource["service.version"]);
            Assert.NotEqual("", resource["service.instance.id"]);
        }
        Assert.Equal(trace.Only("GET /api/v1/orders").SpanId, log.SpanId);
        Assert.Equal("/api/v1/orders", log["Route"]);
    }

    [Fact]
    public async Task Probes_and_scrapes_make_no_spans()
    {
        await gateway.Management.GetAsync("/health/ready", Cancel);
        await gateway.ScrapeAsync();
        await TraceAsync("/api/v1/orders");

        Assert.Equal(["GET", "GET /api/v1/orders"], otlp.Spans().Select(span => span.Name).Order());
    }

    private async Task<(SpanTree Trace, HttpStatusCode Status)> TraceAsync(string path, int spans = 2)
    {
        using var response = await gateway.Client.GetAsync(path, Cancel);
        var traceId = response.Headers.GetValues("X-Trace-Id").Single();
        var trace = await otlp.WaitForTraceAsync(traceId, tree => tree.Spans.Count >= spans, Cancel);
        return (trace, response.StatusCode);
    }
}
