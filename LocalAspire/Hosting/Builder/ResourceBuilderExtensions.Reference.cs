using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Injects a connection string as <c>ConnectionStrings__name</c>, and its parts as <c>NAME_HOST</c> and so on.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithConnectionString> source, string? connectionName = null, bool optional = false)
        where TDestination : IResourceWithEnvironment
    {
        var resource = source.Resource;
        connectionName ??= resource.Name;
        builder.WithRelationship(resource, "Reference");

        return builder.WithEnvironment(context =>
        {
            var name = resource.ConnectionStringEnvironmentVariable ?? $"ConnectionStrings__{connectionName}";
            context.EnvironmentVariables[name] = new ConnectionStringReference(resource, optional);

            var prefix = connectionName.Length == 0 ? "" : $"{EnvironmentVariableNameEncoder.Encode(connectionName).ToUpperInvariant()}_";
            foreach (var (property, value) in resource.GetConnectionProperties())
                context.EnvironmentVariables[$"{prefix}{property.ToUpperInvariant()}"] = value;
        });
    }

    /// <summary>Injects all endpoints as <c>services__name__endpoint__0</c> and <c>NAME_ENDPOINT</c>.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where TDestination : IResourceWithEnvironment => builder.ReferToEndpoints(source.Resource, null, null);

    /// <summary>As <see cref="WithReference{TDestination}(IResourceBuilder{TDestination}, IResourceBuilder{IResourceWithServiceDiscovery})"/>, under another name.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source, string name)
        where TDestination : IResourceWithEnvironment => builder.ReferToEndpoints(source.Resource, null, name);

    /// <summary>Injects one endpoint.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, EndpointReference endpointReference)
        where TDestination : IResourceWithEnvironment => builder.ReferToEndpoints(endpointReference.Resource, endpointReference.EndpointName, null);

    /// <summary>Injects a fixed address as <c>services__name__default__0</c> and <c>name</c>.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(this IResourceBuilder<TDestination> builder, string name, Uri uri)
        where TDestination : IResourceWithEnvironment
    {
        if (!uri.IsAbsoluteUri || uri.Fragment.Length > 0 || uri.Query.Length > 0)
            throw new InvalidOperationException($"The address of service '{name}' must be absolute, without query and fragment: {uri}");

        return builder
            .WithEnvironment($"services__{name}__default__0", uri.ToString())
            .WithEnvironment(EnvironmentVariableNameEncoder.Encode(name), uri.ToString());
    }

    /// <summary>Notes a link to another resource.</summary>
    public static IResourceBuilder<T> WithRelationship<T>(this IResourceBuilder<T> builder, IResource resource, string type) where T : IResource =>
        builder.WithAnnotation(new ResourceRelationshipAnnotation(resource, type));

    // Endpoints that are referred to one by one and all together are injected in one pass, so that none comes twice.
    private static IResourceBuilder<T> ReferToEndpoints<T>(this IResourceBuilder<T> builder, IResourceWithEndpoints source, string? endpointName, string? serviceName)
        where T : IResourceWithEnvironment
    {
        var reference = builder.Resource.Annotations.OfType<EndpointReferenceAnnotation>().SingleOrDefault(r => r.Resource == source);
        if (reference is null)
        {
            reference = new EndpointReferenceAnnotation(source);
            builder.WithAnnotation(reference).WithEnvironment(context => InjectEndpoints(context, reference, serviceName));
        }

        if (endpointName is null)
            reference.UseAllEndpoints = true;
        else
            reference.EndpointNames.Add(endpointName);

        return builder.WithRelationship(source, "Reference");
    }

    private static void InjectEndpoints(EnvironmentCallbackContext context, EndpointReferenceAnnotation reference, string? name)
    {
        var serviceName = name ?? reference.Resource.Name;
        var variablePrefix = EnvironmentVariableNameEncoder.Encode(name ?? serviceName.ToUpperInvariant());

        foreach (var endpoint in reference.Resource.GetEndpoints())
        {
            if (!reference.EndpointNames.Contains(endpoint.EndpointName) && !(reference.UseAllEndpoints && !endpoint.ExcludeReferenceEndpoint))
                continue;

            var variable = $"{variablePrefix}_{EnvironmentVariableNameEncoder.Encode(endpoint.EndpointName).ToUpperInvariant()}";
            context.EnvironmentVariables[variable] = endpoint;

            var key = endpoint.IsHttpSchemeNamedEndpoint ? endpoint.Scheme : endpoint.EndpointName;
            AddNext(context, serviceName, key, endpoint);

            // Aspire's proxy spreads requests over replicas; without it, the client's service discovery does.
            for (var replica = 1; context.ExecutionContext.IsRunMode && replica < reference.Resource.GetReplicaCount(); replica++)
                AddNext(context, serviceName, key, new ReplicaEndpoint(endpoint.EndpointAnnotation, replica));
        }
    }

    private static void AddNext(EnvironmentCallbackContext context, string serviceName, string key, object value)
    {
        for (var index = 0; !context.EnvironmentVariables.TryAdd($"services__{serviceName}__{key}__{index}", value); index++)
        {
        }
    }
}
