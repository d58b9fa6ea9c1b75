using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Health;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Starts the resource when another one is healthy; for a database, also its server.</summary>
    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency) where T : IResourceWithWaitSupport =>
        builder.Wait(dependency.Resource, WaitType.WaitUntilHealthy, null);

    /// <inheritdoc cref="WaitFor{T}(IResourceBuilder{T}, IResourceBuilder{IResource})"/>
    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitBehavior waitBehavior) where T : IResourceWithWaitSupport =>
        builder.Wait(dependency.Resource, WaitType.WaitUntilHealthy, waitBehavior);

    /// <summary>Starts the resource when another one is started, healthy or not.</summary>
    public static IResourceBuilder<T> WaitForStart<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency) where T : IResourceWithWaitSupport =>
        builder.Wait(dependency.Resource, WaitType.WaitUntilStarted, null);

    /// <inheritdoc cref="WaitForStart{T}(IResourceBuilder{T}, IResourceBuilder{IResource})"/>
    public static IResourceBuilder<T> WaitForStart<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, WaitBehavior waitBehavior) where T : IResourceWithWaitSupport =>
        builder.Wait(dependency.Resource, WaitType.WaitUntilStarted, waitBehavior);

    /// <summary>Starts the resource when another one has ended with the given exit code.</summary>
    public static IResourceBuilder<T> WaitForCompletion<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency, int exitCode = 0) where T : IResourceWithWaitSupport
    {
        EnsureWaitIsPossible(builder.Resource, dependency.Resource);
        return builder.WithRelationship(dependency.Resource, "WaitFor")
            .WithAnnotation(new WaitAnnotation(dependency.Resource, WaitType.WaitForCompletion, exitCode));
    }

    /// <summary>Leaves the resource stopped until the start command.</summary>
    public static IResourceBuilder<T> WithExplicitStart<T>(this IResourceBuilder<T> builder) where T : IResource =>
        builder.WithAnnotation(new ExplicitStartupAnnotation());

    /// <summary>Lets a health check, registered under <paramref name="key"/>, decide whether the resource is healthy.</summary>
    public static IResourceBuilder<T> WithHealthCheck<T>(this IResourceBuilder<T> builder, string key) where T : IResource =>
        builder.Resource.Annotations.OfType<HealthCheckAnnotation>().Any(a => a.Key == key)
            ? throw new DistributedApplicationException($"Resource '{builder.Resource.Name}' has a health check '{key}' already.")
            : builder.WithAnnotation(new HealthCheckAnnotation(key));

    /// <summary>The resource is healthy when a GET of a path answers with a status code: by default <c>/</c> and 200.</summary>
    public static IResourceBuilder<T> WithHttpHealthCheck<T>(this IResourceBuilder<T> builder, string? path = null, int? statusCode = null, string? endpointName = null) where T : IResourceWithEndpoints
    {
        var name = endpointName ?? (FindEndpoint(builder.Resource, "https") is not null ? "https" : "http");
        return builder.WithHttpHealthCheck(() => builder.GetEndpoint(name), path, statusCode);
    }

    /// <inheritdoc cref="WithHttpHealthCheck{T}(IResourceBuilder{T}, string?, int?, string?)"/>
    public static IResourceBuilder<T> WithHttpHealthCheck<T>(this IResourceBuilder<T> builder, Func<EndpointReference>? endpointSelector, string? path = null, int? statusCode = null) where T : IResourceWithEndpoints
    {
        var endpoint = endpointSelector?.Invoke() ?? builder.GetEndpoint(FindEndpoint(builder.Resource, "https") is not null ? "https" : "http");
        if (endpoint.Scheme is not ("http" or "https"))
            throw new DistributedApplicationException($"Endpoint '{endpoint.EndpointName}' of resource '{builder.Resource.Name}' speaks {endpoint.Scheme}, which an HTTP health check cannot use.");

        path ??= "/";
        var expected = statusCode ?? 200;
        var key = $"{builder.Resource.Name}_{endpoint.EndpointName}_{path}_{expected}_check";
        builder.ApplicationBuilder.Services.AddHealthChecks().Add(new HealthCheckRegistration(key, _ => new HttpHealthCheck(endpoint, path, expected), null, null));
        return builder.WithHealthCheck(key);
    }

    private static IResourceBuilder<T> Wait<T>(this IResourceBuilder<T> builder, IResource dependency, WaitType type, WaitBehavior? behavior) where T : IResourceWithWaitSupport
    {
        EnsureWaitIsPossible(builder.Resource, dependency);
        if (dependency is IResourceWithParent { Parent: var parent })
            builder.Wait(parent, type, behavior);
        else
            builder.WithRelationship(dependency, "WaitFor");

        return builder.WithAnnotation(new WaitAnnotation(dependency, type) { WaitBehavior = behavior });
    }

    private static void EnsureWaitIsPossible(IResource resource, IResource dependency)
    {
        if (ReferenceEquals(resource, dependency))
            throw new DistributedApplicationException($"Resource '{resource.Name}' cannot wait for itself.");

        if (resource is IResourceWithParent { Parent: var parent } && ReferenceEquals(parent, dependency))
            throw new DistributedApplicationException($"Resource '{resource.Name}' cannot wait for '{dependency.Name}', which it lives in.");
    }
}
