using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Questions that one asks of a resource.</summary>
public static class ResourceExtensions
{
    /// <summary>The annotation of a type that was added last.</summary>
    public static bool TryGetLastAnnotation<T>(this IResource resource, [NotNullWhen(true)] out T? annotation) where T : IResourceAnnotation
    {
        annotation = resource.Annotations.OfType<T>().LastOrDefault();
        return annotation is not null;
    }

    /// <summary>All annotations of a type; false when there is none.</summary>
    public static bool TryGetAnnotationsOfType<T>(this IResource resource, [NotNullWhen(true)] out IEnumerable<T>? result) where T : IResourceAnnotation
    {
        var found = resource.Annotations.OfType<T>().ToArray();
        result = found.Length > 0 ? found : null;
        return result is not null;
    }

    /// <summary>The endpoints; false when there is none.</summary>
    public static bool TryGetEndpoints(this IResource resource, [NotNullWhen(true)] out IEnumerable<EndpointAnnotation>? endpoints) =>
        resource.TryGetAnnotationsOfType(out endpoints);

    /// <summary>References to all endpoints.</summary>
    public static IEnumerable<EndpointReference> GetEndpoints(this IResourceWithEndpoints resource) =>
        resource.Annotations.OfType<EndpointAnnotation>().Select(endpoint => new EndpointReference(resource, endpoint)).ToArray();

    /// <summary>A reference to an endpoint, which need not exist yet.</summary>
    public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, string endpointName) => new(resource, endpointName);

    /// <summary>How many processes are started.</summary>
    public static int GetReplicaCount(this IResource resource) =>
        resource.TryGetLastAnnotation<ReplicaAnnotation>(out var replicas) ? replicas.Replicas : 1;

    /// <summary>The image in the form <c>registry/image:tag</c>; false when the resource is no container.</summary>
    public static bool TryGetContainerImageName(this IResource resource, [NotNullWhen(true)] out string? imageName)
    {
        imageName = null;
        if (!resource.TryGetLastAnnotation<ContainerImageAnnotation>(out var image))
            return false;

        var registry = string.IsNullOrEmpty(image.Registry) ? "" : $"{image.Registry}/";
        imageName = image.SHA256 is { } digest ? $"{registry}{image.Image}@sha256:{digest}"
            : image.Tag is { } tag ? $"{registry}{image.Image}:{tag}"
            : $"{registry}{image.Image}";
        return true;
    }

    /// <summary>The mounts; false when there is none.</summary>
    public static bool TryGetContainerMounts(this IResource resource, [NotNullWhen(true)] out IEnumerable<ContainerMountAnnotation>? volumeMounts) =>
        resource.TryGetAnnotationsOfType(out volumeMounts);
}
