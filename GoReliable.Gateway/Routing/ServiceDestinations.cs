using System.Net;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.ServiceDiscovery;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace GoReliable.Gateway.Routing;

/// <summary>Turns a service's name into its replicas: one destination for each endpoint that service discovery knows.</summary>
internal sealed class ServiceDestinations(ServiceEndpointResolver services) : IDestinationResolver
{
    public async ValueTask<ResolvedDestinationCollection> ResolveDestinationsAsync(
        IReadOnlyDictionary<string, DestinationConfig> destinations, CancellationToken cancellationToken)
    {
        var replicas = new Dictionary<string, DestinationConfig>();
        var changes = new List<IChangeToken>();

        foreach (var destination in destinations.Values)
        {
            var found = await services.GetEndpointsAsync(destination.Address, cancellationToken);
            // YARP asks again when one of these fires.
            changes.Add(found.ChangeToken);
            foreach (var endpoint in found.Endpoints)
            {
                var address = Address(endpoint.EndPoint);
                replicas[address] = destination with { Address = address };
            }
        }

        return new ResolvedDestinationCollection(replicas, new CompositeChangeToken(changes));
    }

    // Configuration gives URLs; DNS gives bare addresses, as inside a cluster, where TLS is not the service's.
    private static string Address(EndPoint endpoint) => endpoint switch
    {
        UriEndPoint url => url.Uri.GetLeftPart(UriPartial.Authority),
        DnsEndPoint { Port: 0 } dns => $"http://{dns.Host}",
        DnsEndPoint dns => $"http://{dns.Host}:{dns.Port}",
        _ => $"http://{endpoint}",
    };
}
