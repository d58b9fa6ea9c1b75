namespace Aspire.Hosting.ApplicationModel;

/// <summary>A named part of the application: a project, a server, a parameter.</summary>
public interface IResource
{
    /// <summary>The name, unique in the application without regard to case.</summary>
    string Name { get; }

    /// <summary>What is known about the resource.</summary>
    ResourceAnnotationCollection Annotations { get; }
}

/// <summary>A fact attached to a resource.</summary>
public interface IResourceAnnotation;

/// <summary>A resource that takes environment variables.</summary>
public interface IResourceWithEnvironment : IResource;

/// <summary>A resource that takes command line arguments.</summary>
public interface IResourceWithArgs : IResource;

/// <summary>A resource that listens on endpoints.</summary>
public interface IResourceWithEndpoints : IResource;

/// <summary>A resource whose start can be delayed until others are ready.</summary>
public interface IResourceWithWaitSupport : IResource;

/// <summary>A resource that lives inside another one.</summary>
public interface IResourceWithParent : IResource
{
    /// <summary>The resource it lives in.</summary>
    IResource Parent { get; }
}

/// <inheritdoc cref="IResourceWithParent"/>
public interface IResourceWithParent<out T> : IResourceWithParent where T : IResource
{
    /// <inheritdoc cref="IResourceWithParent.Parent"/>
    new T Parent { get; }

    IResource IResourceWithParent.Parent => Parent;
}

/// <summary>Base of all resources.</summary>
public abstract class Resource : IResource
{
    /// <summary>Creates a resource.</summary>
    protected Resource(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
    }

    /// <inheritdoc/>
    public virtual string Name { get; }

    /// <inheritdoc/>
    public virtual ResourceAnnotationCollection Annotations { get; } = [];
}

/// <summary>Whether a new annotation joins those of its type or takes their place.</summary>
public enum ResourceAnnotationMutationBehavior
{
    /// <summary>Add it after the others.</summary>
    Append,

    /// <summary>Remove the others of its type first.</summary>
    Replace,
}
