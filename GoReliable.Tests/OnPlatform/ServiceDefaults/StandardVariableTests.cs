using GoReliable.Tests.OnPlatform.Gateway;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.ServiceDefaults;

/// <summary>What OpenTelemetry's own variables do to a service.</summary>
[Collection(OwnGateway.Name)]
public sealed class StandardVariableTests(OwnGateway own)
{
    private readonly GatewayProcess gateway = own.Gateway;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void They_win_over_a_services_own_attributes()
    {
        var info = Assert.Single(own.AtStart.Series("target_info"));

        Assert.Contains("service_name=\"edge\"", info, StringComparison.Ordinal);
        Assert.Contains("service_namespace=\"goreliable\"", info, StringComparison.Ordinal);
        Assert.Contains("service_instance_id=\"edge-1\"", info, StringComparison.Ordinal);
        Assert.Contains("deployment_environment_name=\"blue\"", info, StringComparison.Ordinal);
        Assert.All(gateway.Events, line => Assert.Equal("edge", line.GetProperty("service").GetString()));
    }

    // To that for all signals every platform of these tests exports, by gRPC.
    [Fact]
    public async Task Spans_are_exported_to_the_endpoint_for_traces_by_its_protocol()
    {
        await gateway.Client.GetAsync(OrdersClient.Orders, Cancel);

        await own.Telemetry.WaitForSpanAsync(span => span.Name == "GET /api/v1/orders", Cancel);
    }

    [Fact]
    public async Task Logs_are_exported_to_the_endpoint_for_logs_by_its_protocol()
    {
        await gateway.Client.GetAsync(OrdersClient.Orders, Cancel);

        await own.Telemetry.WaitForLogAsync(log => log.EventName == "http.request", Cancel);
    }

    [Fact]
    public async Task Sending_spans_makes_no_spans()
    {
        await gateway.Client.GetAsync(OrdersClient.Orders, Cancel);
        await own.Telemetry.WaitForSpanAsync(span => span.Name == "GET /api/v1/orders", Cancel);
        var sent = DateTimeOffset.UtcNow;

        await gateway.Client.GetAsync(OrdersClient.Orders, Cancel);

        await own.Telemetry.WaitForSpanAsync(span => span.Name == "GET /api/v1/orders" && span.Start > sent, Cancel);
        var collector = own.Telemetry.HttpEndpoint.GetLeftPart(UriPartial.Authority);
        Assert.DoesNotContain(own.Telemetry.Spans(), span => Equals(span["url.full"], collector));
    }

    [Fact]
    public async Task Metrics_that_Prometheus_scrapes_are_not_sent_as_well()
    {
        var asked = DateTimeOffset.UtcNow;
        await gateway.Client.GetAsync(OrdersClient.Orders, Cancel);

        // Metrics would be sent more often than spans.
        await own.Telemetry.WaitForSpanAsync(span => span.Start > asked, Cancel);
        Assert.Empty(own.Telemetry.Metrics());
    }
}
