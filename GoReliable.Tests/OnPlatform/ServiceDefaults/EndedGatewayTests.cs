using System.Diagnostics;
using GoReliable.Tests.Platform;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.ServiceDefaults;

/// <summary>All that a gateway in Production wrote and sent from its start to its end, with one request between.</summary>
public sealed class EndedGatewayTests(EndedGatewayTests.EndedGateway ended)
    : IClassFixture<EndedGatewayTests.EndedGateway>
{
    [Fact]
    public void Every_line_is_JSON_and_frameworks_keep_quiet()
    {
        Assert.Equal(ended.Gateway.Output.Count, ended.Gateway.Events.Count());
        Assert.Equal(
            [
                "GoReliable.Gateway.Requests.RequestTelemetry",
                "GoReliable.ServiceDefaults.Lifecycle.Drain",
                "Microsoft.Hosting.Lifetime",
            ],
            ended.Gateway.Events.Select(line => line.GetProperty("logger").GetString()).Distinct().Order()
        );
    }

    [Fact]
    public void Protocol_and_sampler_are_those_of_the_standard_variables()
    {
        Assert.Contains(ended.Received.Logs(), log => log.EventName == "http.request");
        Assert.DoesNotContain(ended.Received.Spans(), span => span.Kind == ActivityKind.Server);
    }

    public sealed class EndedGateway : IAsyncLifetime
    {
        internal OtlpEndpoint Received { get; private set; } = null!;

        internal GatewayProcess Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Received = await OtlpEndpoint.StartAsync(TestContext.Current.CancellationToken);
            await using var orders = await Destination.StartAsync();
            Gateway = await GatewayProcess.StartAsync(
                [orders.Address],
                ("ASPNETCORE_ENVIRONMENT", "Production"),
                ("Authentication__Schemes__Bearer__Authority", "https://id.example"),
                ("Shutdown__ReadinessDelay", "00:00:00"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", Received.HttpEndpoint.OriginalString),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                ("OTEL_TRACES_SAMPLER", "always_off")
            );
            Gateway.Client.DefaultRequestHeaders.Authorization = null;
            await Gateway.Client.GetAsync("/docs", TestContext.Current.CancellationToken);
            // What it has not sent yet, it sends at its end.
            await Gateway.StopAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await Gateway.DisposeAsync();
            await Received.DisposeAsync();
        }
    }
}
