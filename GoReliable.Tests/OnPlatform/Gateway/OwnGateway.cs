using GoReliable.Tests.Platform;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Gateway;

/// <summary>A gateway for the tests that count what it does, or look at what OpenTelemetry's variables do to it.</summary>
public sealed class OwnGateway : IAsyncLifetime
{
    /// <summary>Collection of the tests that share it.</summary>
    public const string Name = "own gateway";

    /// <summary>Where its spans and logs go, and its metrics would.</summary>
    internal OtlpEndpoint Telemetry { get; private set; } = null!;

    internal Destination Orders { get; private set; } = null!;

    internal GatewayProcess Gateway { get; private set; } = null!;

    /// <summary>What it exposed before anybody used it.</summary>
    internal ScrapeText AtStart { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Telemetry = await OtlpEndpoint.StartAsync(TestContext.Current.CancellationToken);
        Orders = await Destination.StartAsync();
        Gateway = await GatewayProcess.StartAsync(
            [Orders.Address],
            ("OTEL_SERVICE_NAME", "edge"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=edge-1,deployment.environment.name=blue"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", new Uri(Telemetry.HttpEndpoint, "/v1/traces").OriginalString),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", new Uri(Telemetry.HttpEndpoint, "/v1/logs").OriginalString),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", Telemetry.GrpcEndpoint.OriginalString),
            ("OTEL_METRICS_EXPORTER", "prometheus"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "200")
        );
        AtStart = await Gateway.ScrapeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Orders.DisposeAsync();
        await Telemetry.DisposeAsync();
    }
}

[CollectionDefinition(OwnGateway.Name)]
public sealed class OwnGatewayTests : ICollectionFixture<OwnGateway>;
