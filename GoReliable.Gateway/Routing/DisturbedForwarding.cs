using GoReliable.ServiceDefaults.Chaos;
using Yarp.ReverseProxy.Forwarder;

namespace GoReliable.Gateway.Routing;

/// <summary>Puts the switch for chaos in outgoing HTTP calls into what is forwarded.</summary>
internal sealed class DisturbedForwarding(ILogger<ForwarderHttpClientFactory> logger, ChaosSwitches chaos) : ForwarderHttpClientFactory(logger)
{
    protected override HttpMessageHandler WrapHandler(ForwarderHttpClientContext context, HttpMessageHandler handler) =>
        new ChaosHandler(chaos) { InnerHandler = base.WrapHandler(context, handler) };
}
