using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Gateway;

/// <summary>A gateway of its own, and what it exposed before anybody used it.</summary>
public sealed class CountingGateway : IAsyncLifetime
{
    private Destination orders = null!;

    internal GatewayProcess Gateway { get; private set; } = null!;

    internal ScrapeText AtStart { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        orders = await Destination.StartAsync();
        Gateway = await GatewayProcess.StartAsync([orders.Address]);
        AtStart = await Gateway.ScrapeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await orders.DisposeAsync();
    }
}
