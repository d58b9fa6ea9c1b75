using GoReliable.ServiceDefaults.Chaos;
using Yarp.ReverseProxy.Forwarder;

namespace GoReliable.Gateway.Resilience;

/// <summary>Makes YARP's clients, one for each service.</summary>
internal sealed class ResilientClientFactory(
    Timeouts timeouts,
    ChaosSwitches chaos,
    Telemetry telemetry,
    ILogger<ResilienceHandler> logger
) : ForwarderHttpClientFactory
{
    // Within a data centre a connection takes a millisecond, or a second more where its first packet was lost.
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    // Shorter than a stopping service goes on answering (Shutdown:ReadinessDelay, 5 s). The service closes the
    // connections in use with their next answers, and the idle ones are gone before it stops. A request on a connection
    // that closes at that moment would be lost, and most requests must not be sent again.
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(2);

    // On Kubernetes an address is a whole service: which pod a connection leads to is decided when it is opened. Busy
    // connections are never idle, so without this a pod that starts later would get nothing from them.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);

    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        base.ConfigureHandler(context, handler);
        handler.ConnectTimeout = ConnectTimeout;
        handler.PooledConnectionIdleTimeout = IdleTimeout;
        handler.PooledConnectionLifetime = Lifetime;
    }

    protected override HttpMessageHandler WrapHandler(ForwarderHttpClientContext context, HttpMessageHandler handler) =>
        new ResilienceHandler(context.ClusterId, timeouts, telemetry, logger)
        {
            // Chaos sits below the retries, so each try may meet it, and the retries must repair what it breaks.
            InnerHandler = new ChaosHandler(chaos) { InnerHandler = handler },
        };
}
