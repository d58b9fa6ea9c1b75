using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>One gateway in front of one order service, and nobody as notifications, for the tests of a class.</summary>
public sealed class GatewayFixture : IAsyncLifetime
{
    internal Destination Orders { get; private set; } = null!;

    internal InProcessGateway Gateway { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Orders = await Destination.StartAsync();
        Gateway = await InProcessGateway.StartAsync([Orders.Address]);
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Orders.DisposeAsync();
    }
}
