using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>Tests of the gateway in this process, in front of an order service.</summary>
/// <param name="answer">What the order service does; it answers with 200, if not given.</param>
[Collection(InProcessGateway.Collection)]
public abstract class GatewayTest(RequestDelegate? answer = null) : IAsyncLifetime
{
    private protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private protected Destination Orders { get; private set; } = null!;

    /// <summary>The gateway's file of settings.</summary>
    private protected SettingsFile Settings { get; } = new();

    public async ValueTask InitializeAsync()
    {
        Orders = await Destination.StartAsync(answer);
        await Settings.WriteAsync("{}");
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Orders.DisposeAsync();
        Settings.Dispose();
    }

    /// <param name="settings">Named like environment variables.</param>
    private protected Task<InProcessGateway> StartAsync(params (string, string)[] settings) =>
        InProcessGateway.StartAsync([Orders.Address], [("GORELIABLE_CONFIG", Settings.Path), .. settings]);
}
