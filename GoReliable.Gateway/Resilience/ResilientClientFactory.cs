using GoReliable.ServiceDefaults.Chaos;
using Yarp.ReverseProxy.Forwarder;

namespace GoReliable.Gateway.Resilience;

/// <summary>Makes YARP's clients, one for each service.</summary>
internal sealed class ResilientClientFactory(Timeouts timeouts, ChaosSwitches chaos, Telemetry telemetry, ILogger<ResilienceHandler> logger) : ForwarderHttpClientFactory
{
    // Within a data centre a connection takes a millisecond, or a second more where its first packet was lost.
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(2);

    // Shorter than a service still answers when it stops (Shutdown:ReadinessDelay, 5 s): of its connections it ends the used
    // ones with their answers, and the idle ones are gone before it closes. A request on one that closes at that moment
    // would be lost, and most must not be sent again.
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(2);

    protected override void ConfigureHandler(ForwarderHttpClientContext context, SocketsHttpHandler handler)
    {
        base.ConfigureHandler(context, handler);
        handler.ConnectTimeout = ConnectTimeout;
        handler.PooledConnectionIdleTimeout = IdleTimeout;
    }

    protected override HttpMessageHandler WrapHandler(ForwarderHttpClientContext context, HttpMessageHandler handler) =>
        new ResilienceHandler(context.ClusterId, timeouts, telemetry, logger)
        {
            // Chaos is below: each try may meet it, and what it breaks is to be mended.
            InnerHandler = new ChaosHandler(chaos) { InnerHandler = handler },
        };
}
