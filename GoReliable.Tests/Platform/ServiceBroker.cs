using GoReliable.Messaging;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;

namespace GoReliable.Tests.Platform;

/// <summary>A service's connections with a real broker, for tests of a service's parts.</summary>
internal static class ServiceBroker
{
    /// <param name="platform">Whose broker it is.</param>
    /// <param name="port">Where it is reached; its own port, if not given.</param>
    /// <param name="patience">How long the client library waits for an answer; as usual, if not given.</param>
    public static async Task<Broker> OfAsync(GoReliablePlatform platform, int? port = null, TimeSpan? patience = null)
    {
        var factory = new ConnectionFactory { Uri = new Uri(await platform.ConnectionStringAsync("messaging")) };
        factory.Port = port ?? factory.Port;
        factory.ContinuationTimeout = patience ?? factory.ContinuationTimeout;
        return new Broker(factory, NullLogger<Broker>.Instance, TimeProvider.System);
    }
}
