using System.Collections.ObjectModel;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The annotations of one resource, in the order in which they were added.</summary>
public sealed class ResourceAnnotationCollection : Collection<IResourceAnnotation>;

/// <summary>The resources of an application, in the order in which they were added.</summary>
public interface IResourceCollection : IList<IResource>;

internal sealed class ResourceCollection : Collection<IResource>, IResourceCollection
{
    protected override void InsertItem(int index, IResource item)
    {
        if (this.Any(r => string.Equals(r.Name, item.Name, StringComparison.OrdinalIgnoreCase)))
            throw new DistributedApplicationException($"Cannot add resource '{item.Name}': a resource of that name exists already.");

        base.InsertItem(index, item);
    }
}

/// <summary>The finished application: all resources.</summary>
public class DistributedApplicationModel(IResourceCollection resources)
{
    /// <summary>Creates a model of given resources.</summary>
    public DistributedApplicationModel(IEnumerable<IResource> resources) : this(Collect(resources))
    {
    }

    /// <summary>The resources, in the order in which they were added.</summary>
    public IResourceCollection Resources { get; } = resources;

    private static ResourceCollection Collect(IEnumerable<IResource> resources)
    {
        var collection = new ResourceCollection();
        foreach (var resource in resources)
            collection.Add(resource);

        return collection;
    }
}
