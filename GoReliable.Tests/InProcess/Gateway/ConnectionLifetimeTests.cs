using System.Runtime.CompilerServices;
using GoReliable.Gateway.Resilience;
using GoReliable.ServiceDefaults.Chaos;
using Yarp.ReverseProxy.Configuration;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>How long the gateway keeps a connection to a service.</summary>
public sealed class ConnectionLifetimeTests
{
    /// <summary>Which pod of a Kubernetes service a connection leads to is decided when it is opened.</summary>
    [Fact]
    public void A_busy_connection_is_opened_anew_so_that_new_pods_get_their_share()
    {
        var timeouts = new Timeouts(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(3));
        var factory = new ResilientClientFactory(timeouts, new ChaosSwitches(), null!, null!);

        using var client = factory.CreateClient(
            new()
            {
                ClusterId = "orders",
                NewConfig = HttpClientConfig.Empty,
                OldConfig = HttpClientConfig.Empty,
            }
        );

        Assert.InRange(Sockets(client).PooledConnectionLifetime, TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1));
    }

    private static SocketsHttpHandler Sockets(HttpMessageInvoker client)
    {
        var handler = Handler(client);
        while (handler is DelegatingHandler outer)
            handler = outer.InnerHandler!;
        return Assert.IsType<SocketsHttpHandler>(handler);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_handler")]
    private static extern ref HttpMessageHandler Handler(HttpMessageInvoker client);
}
