using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

/// <summary>Writes endpoints and gives ports to those that need one of their own.</summary>
internal sealed class ManifestPorts
{
    private const int First = 8000;

    private readonly HashSet<int> _used = [];

    public void WriteBindings(Utf8JsonWriter json, IResource resource)
    {
        if (!resource.TryGetEndpoints(out var endpoints))
            return;

        var defaultSchemes = new HashSet<string>();
        json.WriteStartObject("bindings");
        foreach (var endpoint in endpoints)
        {
            var port = endpoint.Port is 0 ? null : endpoint.Port;
            var targetPort = TargetPort(resource, endpoint, port, defaultSchemes);
            Use(port);
            Use(targetPort);

            json.WriteStartObject(endpoint.Name);
            json.WriteString("scheme", endpoint.UriScheme);
            json.WriteString("protocol", endpoint.Protocol.ToString().ToLowerInvariant());
            json.WriteString("transport", endpoint.Transport);
            if (port is not null && port != targetPort)
                json.WriteNumber("port", port.Value);

            if (targetPort is not null)
                json.WriteNumber("targetPort", targetPort.Value);

            if (endpoint.IsExternal)
                json.WriteBoolean("external", true);

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private int? TargetPort(IResource resource, EndpointAnnotation endpoint, int? port, HashSet<string> defaultSchemes)
    {
        // The first http and the first https endpoint of a project are its default ones: who deploys it chooses their port.
        var isDefault = resource is ProjectResource && endpoint.UriScheme is "http" or "https" && defaultSchemes.Add(endpoint.UriScheme);
        return endpoint.TargetPort switch
        {
            not null and not 0 => endpoint.TargetPort,
            _ when resource is ContainerResource && port is not null => port,
            _ when isDefault => null,
            _ => Allocate(),
        };
    }

    private int Allocate()
    {
        var port = First;
        while (_used.Contains(port))
            port++;

        return port;
    }

    private void Use(int? port)
    {
        if (port is not null)
            _used.Add(port.Value);
    }
}
