using System.Globalization;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>An endpoint of a resource; as a value, its URL.</summary>
public sealed class EndpointReference : IExpressionValue, IValueWithReferences
{
    private EndpointAnnotation? _endpoint;

    /// <summary>Refers to an endpoint by name; it need not exist yet.</summary>
    public EndpointReference(IResourceWithEndpoints owner, string endpointName)
    {
        Resource = owner;
        EndpointName = endpointName;
    }

    /// <summary>Refers to an endpoint.</summary>
    public EndpointReference(IResourceWithEndpoints owner, EndpointAnnotation endpoint) : this(owner, endpoint.Name) => _endpoint = endpoint;

    /// <summary>The resource that listens.</summary>
    public IResourceWithEndpoints Resource { get; }

    /// <summary>The endpoint's name.</summary>
    public string EndpointName { get; }

    /// <summary>The endpoint; an error when there is none of that name.</summary>
    public EndpointAnnotation EndpointAnnotation => Find() ?? throw new InvalidOperationException(
        $"Resource '{Resource.Name}' has no endpoint '{EndpointName}'; it has: {string.Join(", ", Resource.Annotations.OfType<EndpointAnnotation>().Select(e => e.Name).DefaultIfEmpty("none"))}.");

    /// <summary>Whether the endpoint exists.</summary>
    public bool Exists => Find() is not null;

    /// <summary>Whether it has a port yet.</summary>
    public bool IsAllocated => Find()?.AllocatedEndpoint is not null;

    /// <summary>Whether its scheme is http.</summary>
    public bool IsHttp => Scheme == "http";

    /// <summary>Whether its scheme is https.</summary>
    public bool IsHttps => Scheme == "https";

    /// <summary>Whether it speaks TLS.</summary>
    public bool TlsEnabled => Find()?.TlsEnabled ?? false;

    /// <summary>The port that clients use.</summary>
    public int Port => Allocated.Port;

    /// <summary>The port that the process listens on, when it was given.</summary>
    public int? TargetPort => EndpointAnnotation.TargetPort;

    /// <summary>The host that clients use.</summary>
    public string Host => Allocated.Address;

    /// <summary>The scheme of the URL.</summary>
    public string Scheme => EndpointAnnotation.UriScheme;

    /// <summary>The URL.</summary>
    public string Url => Allocated.UriString;

    internal bool ExcludeReferenceEndpoint => Find()?.ExcludeReferenceEndpoint ?? false;

    internal bool IsHttpSchemeNamedEndpoint => EndpointName is "http" or "https";

    string IManifestExpressionProvider.ValueExpression => GetExpression(EndpointProperty.Url);

    IEnumerable<object> IValueWithReferences.References => [Resource];

    private AllocatedEndpoint Allocated => EndpointAnnotation.AllocatedEndpoint
        ?? throw new InvalidOperationException($"Endpoint '{EndpointName}' of resource '{Resource.Name}' has no port yet; the application is not started.");

    /// <summary>One property of the endpoint.</summary>
    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => Property(EndpointProperty.Url).GetValueAsync(cancellationToken);

    internal string GetExpression(EndpointProperty property) => property switch
    {
        EndpointProperty.Url => Binding("url"),
        EndpointProperty.Host or EndpointProperty.IPV4Host => Binding("host"),
        EndpointProperty.Port => Binding("port"),
        EndpointProperty.Scheme => Binding("scheme"),
        EndpointProperty.TargetPort => Binding("targetPort"),
        EndpointProperty.HostAndPort => $"{Binding("host")}:{Binding("port")}",
        EndpointProperty.TlsEnabled => Binding("tlsEnabled"),
        _ => throw new ArgumentOutOfRangeException(nameof(property), property, null),
    };

    private string Binding(string property) => string.Create(CultureInfo.InvariantCulture, $"{{{Resource.Name}.bindings.{EndpointName}.{property}}}");

    private EndpointAnnotation? Find() => _endpoint ??= Resource.Annotations.OfType<EndpointAnnotation>()
        .SingleOrDefault(e => string.Equals(e.Name, EndpointName, StringComparison.OrdinalIgnoreCase));
}
