using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Ways to the resources that a builder has already.</summary>
public static class DistributedApplicationBuilderExtensions
{
    /// <summary>A builder for a resource that was added before, to change it.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="builder">Where it was added.</param>
    /// <param name="name">Its name, in any case.</param>
    /// <exception cref="InvalidOperationException">There is none of that name, or it is of another type.</exception>
    public static IResourceBuilder<T> CreateResourceBuilder<T>(this IDistributedApplicationBuilder builder, string name)
        where T : IResource
    {
        var resource = builder.Resources.FirstOrDefault(resource => string.Equals(resource.Name, name, StringComparison.OrdinalIgnoreCase))
            ?? throw new InvalidOperationException($"Resource '{name}' was not found.");
        return resource is T typed
            ? builder.CreateResourceBuilder(typed)
            : throw new InvalidOperationException($"Resource '{name}' is a {resource.GetType().Name}, not a {typeof(T).Name}.");
    }
}
