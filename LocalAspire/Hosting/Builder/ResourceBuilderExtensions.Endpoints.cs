using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Changes an endpoint, adding it first when it is missing.</summary>
    public static IResourceBuilder<T> WithEndpoint<T>(this IResourceBuilder<T> builder, string endpointName, Action<EndpointAnnotation> callback, bool createIfNotExists = true) where T : IResourceWithEndpoints
    {
        var endpoint = FindEndpoint(builder.Resource, endpointName);
        if (endpoint is null)
        {
            if (!createIfNotExists)
                return builder;

            endpoint = new EndpointAnnotation(ProtocolType.Tcp, name: endpointName);
            builder.Resource.Annotations.Add(endpoint);
        }

        callback(endpoint);
        return builder;
    }

    /// <summary>Adds an endpoint, or changes the one of that name.</summary>
    public static IResourceBuilder<T> WithEndpoint<T>(this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, string? scheme = null, string? name = null, string? env = null, bool? isProxied = null, bool? isExternal = null, ProtocolType? protocol = null) where T : IResourceWithEndpoints
    {
        var endpoint = FindEndpoint(builder.Resource, name ?? scheme ?? (protocol ?? ProtocolType.Tcp).ToString().ToLowerInvariant());
        if (endpoint is null)
        {
            endpoint = new EndpointAnnotation(protocol ?? ProtocolType.Tcp, scheme, null, name, port, targetPort, isExternal, isProxied);
            builder.Resource.Annotations.Add(endpoint);
        }
        else
        {
            endpoint.Port = port ?? endpoint.Port;
            endpoint.TargetPort = targetPort ?? endpoint.TargetPort;
            endpoint.IsExternal = isExternal ?? endpoint.IsExternal;
            endpoint.IsProxied = isProxied ?? endpoint.IsProxied;
        }

        InjectPort(builder, endpoint, env);
        return builder;
    }

    /// <summary>Adds an HTTP endpoint. With <paramref name="env"/> the process is told its port by that variable.</summary>
    public static IResourceBuilder<T> WithHttpEndpoint<T>(this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, string? name = null, string? env = null, bool? isProxied = null) where T : IResourceWithEndpoints =>
        builder.WithEndpoint(port, targetPort, "http", name, env, isProxied);

    /// <summary>Adds an HTTPS endpoint. With <paramref name="env"/> the process is told its port by that variable.</summary>
    public static IResourceBuilder<T> WithHttpsEndpoint<T>(this IResourceBuilder<T> builder, int? port = null, int? targetPort = null, string? name = null, string? env = null, bool? isProxied = null) where T : IResourceWithEndpoints =>
        builder.WithEndpoint(port, targetPort, "https", name, env, isProxied);

    /// <summary>Marks the HTTP and HTTPS endpoints so far as reachable from outside when deployed.</summary>
    public static IResourceBuilder<T> WithExternalHttpEndpoints<T>(this IResourceBuilder<T> builder) where T : IResourceWithEndpoints
    {
        foreach (var endpoint in builder.Resource.Annotations.OfType<EndpointAnnotation>().Where(e => e.UriScheme is "http" or "https"))
            endpoint.IsExternal = true;

        return builder;
    }

    /// <summary>A reference to an endpoint, which need not exist yet.</summary>
    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, string name) where T : IResourceWithEndpoints =>
        builder.Resource.GetEndpoint(name);

    private static EndpointAnnotation? FindEndpoint(IResource resource, string name) =>
        resource.Annotations.OfType<EndpointAnnotation>().SingleOrDefault(e => string.Equals(e.Name, name, StringComparison.OrdinalIgnoreCase));

    private static void InjectPort<T>(IResourceBuilder<T> builder, EndpointAnnotation endpoint, string? env) where T : IResourceWithEndpoints
    {
        if (env is null || builder.Resource is not IResourceWithEnvironment)
            return;

        var alreadyInjected = endpoint.TargetPortEnvironmentVariable is not null;
        endpoint.TargetPortEnvironmentVariable = env;
        if (alreadyInjected)
            return;

        var port = new EndpointReference(builder.Resource, endpoint).Property(EndpointProperty.TargetPort);
        builder.WithAnnotation(new EnvironmentCallbackAnnotation(context => context.EnvironmentVariables[endpoint.TargetPortEnvironmentVariable] = port));
    }
}
