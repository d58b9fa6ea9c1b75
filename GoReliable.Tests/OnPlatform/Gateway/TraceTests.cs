using System.Diagnostics;
using System.Net;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Gateway;

/// <summary>The spans of a gateway in front of services that do not answer as they should.</summary>
[Collection(OwnGateway.Name)]
public sealed class TraceTests(OwnGateway own)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

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
            own.Orders.Requests.Select(headers => headers.TraceParent.ToString().Split('-'))
                .Where(parent => parent[1] == trace.TraceId)
                .Select(parent => parent[2])
                .Order()
        );
    }

    private async Task<(SpanTree Trace, HttpStatusCode Status)> TraceAsync(string path, int spans)
    {
        using var response = await own.Gateway.Client.GetAsync(path, Cancel);
        var traceId = response.Headers.GetValues("X-Trace-Id").Single();
        var trace = await own.Telemetry.WaitForTraceAsync(traceId, tree => tree.Spans.Count >= spans, Cancel);
        return (trace, response.StatusCode);
    }
}
