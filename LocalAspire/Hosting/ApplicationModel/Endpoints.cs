using System.Net.Sockets;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>An endpoint that a resource is to listen on.</summary>
public sealed class EndpointAnnotation : IResourceAnnotation
{
    private string? _transport;
    private int? _port;
    private int? _targetPort;
    private bool? _tlsEnabled;
    private AllocatedEndpoint[] _replicas = [];

    /// <summary>Describes an endpoint; the name defaults to the scheme, and that to the protocol.</summary>
    public EndpointAnnotation(ProtocolType protocol, string? uriScheme = null, string? transport = null, string? name = null,
        int? port = null, int? targetPort = null, bool? isExternal = null, bool? isProxied = null)
    {
        UriScheme = uriScheme ?? protocol.ToString().ToLowerInvariant();
        Name = name ?? UriScheme;
        Protocol = protocol;
        _transport = transport;
        _port = port;
        _targetPort = targetPort;
        IsExternal = isExternal ?? false;
        IsProxied = isProxied ?? true;
    }

    /// <summary>The name, unique within the resource.</summary>
    public string Name { get; set; }

    /// <summary>TCP or UDP.</summary>
    public ProtocolType Protocol { get; set; }

    /// <summary>The port that clients use; null means any free one.</summary>
    public int? Port
    {
        get => _port ?? (IsProxied ? null : _targetPort);
        set => _port = value;
    }

    /// <summary>The port that the process listens on where that differs; a container's inner port.</summary>
    public int? TargetPort
    {
        get => _targetPort ?? (IsProxied ? null : _port);
        set => _targetPort = value;
    }

    /// <summary>The scheme of the endpoint's URL.</summary>
    public string UriScheme { get; set; }

    /// <summary>The host name that the process binds to.</summary>
    public string TargetHost { get; set; } = "localhost";

    /// <summary>How it is spoken to: <c>http</c>, <c>http2</c>, <c>tcp</c>.</summary>
    public string Transport
    {
        get => _transport ?? (UriScheme is "http" or "https" ? "http" : Protocol.ToString().ToLowerInvariant());
        set => _transport = value;
    }

    /// <summary>Whether it is reachable from outside when deployed.</summary>
    public bool IsExternal { get; set; }

    /// <summary>Whether Aspire would put a proxy before it. There is none here: only the rules for <see cref="Port"/> depend on it.</summary>
    public bool IsProxied { get; set; }

    /// <summary>Whether <c>WithReference</c> to the whole resource leaves it out.</summary>
    public bool ExcludeReferenceEndpoint { get; set; }

    /// <summary>Whether it speaks TLS; by default, whether the scheme is https.</summary>
    public bool TlsEnabled
    {
        get => _tlsEnabled ?? UriScheme == "https";
        set => _tlsEnabled = value;
    }

    /// <summary>Where the first replica listens; null before the application starts.</summary>
    public AllocatedEndpoint? AllocatedEndpoint
    {
        get => _replicas.Length > 0 ? _replicas[0] : null;
        set => _replicas = value is null ? [] : [value];
    }

    internal bool FromLaunchProfile { get; set; }

    internal string? TargetPortEnvironmentVariable { get; set; }

    /// <summary>Where each replica listens. Without a proxy in front, every replica has a port of its own.</summary>
    internal IReadOnlyList<AllocatedEndpoint> AllocatedReplicas => _replicas;

    internal void Allocate(IEnumerable<int> ports) =>
        _replicas = [.. ports.Select(port => new AllocatedEndpoint(this, "localhost", port))];
}

/// <summary>The address of an endpoint.</summary>
public class AllocatedEndpoint(EndpointAnnotation endpoint, string address, int port, string? targetPortExpression = null)
{
    /// <summary>The endpoint.</summary>
    public EndpointAnnotation Endpoint { get; } = endpoint;

    /// <summary>Host name or address.</summary>
    public string Address { get; } = address;

    /// <summary>Port.</summary>
    public int Port { get; } = port;

    /// <summary>Not used on this engine: the target port is known.</summary>
    public string? TargetPortExpression { get; } = targetPortExpression;

    /// <summary>The scheme of the URL.</summary>
    public string UriScheme => Endpoint.UriScheme;

    /// <summary><c>host:port</c>.</summary>
    public string EndPointString => $"{Address}:{Port}";

    /// <summary><c>scheme://host:port</c>.</summary>
    public string UriString => $"{UriScheme}://{EndPointString}";

    /// <inheritdoc/>
    public override string ToString() => UriString;
}
