using System.Globalization;
using Aspire.Hosting.Containers;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>What can be asked of an endpoint.</summary>
public enum EndpointProperty
{
    /// <summary><c>scheme://host:port</c>.</summary>
    Url,

    /// <summary>Host name.</summary>
    Host,

    /// <summary>Host as an IPv4 address.</summary>
    IPV4Host,

    /// <summary>The port that clients use.</summary>
    Port,

    /// <summary>Scheme.</summary>
    Scheme,

    /// <summary>The port that the process listens on.</summary>
    TargetPort,

    /// <summary><c>host:port</c>.</summary>
    HostAndPort,

    /// <summary><c>True</c> or <c>False</c>.</summary>
    TlsEnabled,
}

/// <summary>A property of an endpoint.</summary>
public class EndpointReferenceExpression(EndpointReference endpointReference, EndpointProperty property) : IExpressionValue, IValueWithReferences
{
    /// <summary>The endpoint.</summary>
    public EndpointReference Endpoint { get; } = endpointReference;

    /// <summary>The property.</summary>
    public EndpointProperty Property { get; } = property;

    /// <inheritdoc/>
    public string ValueExpression => Endpoint.GetExpression(Property);

    IEnumerable<object> IValueWithReferences.References => [Endpoint];

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => GetValueAsync(new ValueProviderContext(), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<string?> GetValueAsync(ValueProviderContext context, CancellationToken cancellationToken = default) => ValueTask.FromResult<string?>(Property switch
    {
        EndpointProperty.Scheme => Endpoint.Scheme,
        EndpointProperty.TlsEnabled => Endpoint.TlsEnabled ? bool.TrueString : bool.FalseString,
        EndpointProperty.IPV4Host => "127.0.0.1",
        // Nobody would answer at its address. Null leaves a variable unset.
        _ when LocalProgram.WhySkipped(Endpoint.Resource) is not null => null,
        EndpointProperty.Url => At(context).UriString,
        EndpointProperty.Host => At(context).Address,
        EndpointProperty.HostAndPort => At(context).EndPointString,
        EndpointProperty.Port or EndpointProperty.TargetPort => At(context).Port.ToString(CultureInfo.InvariantCulture),
        _ => throw new InvalidOperationException($"Unknown endpoint property '{Property}'."),
    });

    // A replica asks for its own port; everybody else is given the first replica's.
    private AllocatedEndpoint At(ValueProviderContext context)
    {
        var replicas = Endpoint.EndpointAnnotation.AllocatedReplicas;
        var replica = ReferenceEquals(context.Caller, Endpoint.Resource) ? context.Replica : 0;
        return replica < replicas.Count
            ? replicas[replica]
            : throw new InvalidOperationException($"Endpoint '{Endpoint.EndpointName}' of resource '{Endpoint.Resource.Name}' has no port yet; the application is not started.");
    }
}

/// <summary>The URL of one replica's endpoint, which Aspire's proxy would hide.</summary>
internal sealed class ReplicaEndpoint(EndpointAnnotation endpoint, int replica) : IValueProvider
{
    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult<string?>(endpoint.AllocatedReplicas[replica].UriString);
}
