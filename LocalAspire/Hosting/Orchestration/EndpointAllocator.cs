using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Processes;

namespace Aspire.Hosting.Orchestration;

/// <summary>Gives every endpoint of every replica its port, once for the life of the application.</summary>
internal static class EndpointAllocator
{
    /// <summary>Allocates all ports and returns a sentence for each fixed one that is taken.</summary>
    public static IEnumerable<string> Allocate(IResource resource, bool randomizePorts)
    {
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            var fixedPort = FixedPort(resource, endpoint, randomizePorts);
            if (fixedPort is { } port && Ports.IsTaken(port))
                yield return $"Resource '{resource.Name}' cannot listen on port {port} for its endpoint '{endpoint.Name}': another program does. Stop that one first (ss -ltnp 'sport = :{port}' shows it).";

            endpoint.Allocate(Enumerable.Range(0, resource.GetReplicaCount()).Select(replica => replica == 0 && fixedPort is not null ? fixedPort.Value : Ports.Free()));
        }
    }

    private static int? FixedPort(IResource resource, EndpointAnnotation endpoint, bool randomizePorts)
    {
        var port = randomizePorts && endpoint.IsProxied ? null : endpoint.Port is 0 ? null : endpoint.Port;

        // A container's target port is one inside the container. A program that is told its port listens on any;
        // one that is not listens on its target port, and no proxy stands on the other.
        return resource is ContainerResource or ProjectResource || endpoint.TargetPortEnvironmentVariable is not null ? port : endpoint.TargetPort ?? port;
    }
}
