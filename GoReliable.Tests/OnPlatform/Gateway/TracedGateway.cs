using GoReliable.Tests.Platform;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Gateway;

/// <summary>A gateway of its own, and what it exports.</summary>
public sealed class TracedGateway : IAsyncLifetime
{
    internal OtlpEndpoint Telemetry { get; private set; } = null!;

    internal Destination Orders { get; private set; } = null!;

    internal GatewayProcess Gateway { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Telemetry = await OtlpEndpoint.StartAsync(TestContext.Current.CancellationToken);
        Orders = await Destination.StartAsync();
        Gateway = await GatewayProcess.StartAsync(
            [Orders.Address],
            ("OTEL_EXPORTER_OTLP_ENDPOINT", Telemetry.GrpcEndpoint.ToString()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "200")
        );
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Orders.DisposeAsync();
        await Telemetry.DisposeAsync();
    }
}
