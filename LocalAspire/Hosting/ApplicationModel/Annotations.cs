namespace Aspire.Hosting.ApplicationModel;

/// <summary>How many processes to start.</summary>
public sealed class ReplicaAnnotation(int replicas = 1) : IResourceAnnotation
{
    /// <summary>The number.</summary>
    public int Replicas { get; } = replicas;
}

/// <summary>Names a health check, registered with the application's services, that decides whether the resource is healthy.</summary>
public class HealthCheckAnnotation(string key) : IResourceAnnotation
{
    /// <summary>The name of the registration.</summary>
    public string Key => key;
}

/// <summary>Not started with the application, only by the start command.</summary>
public sealed class ExplicitStartupAnnotation : IResourceAnnotation;

/// <summary>Which endpoints of another resource are injected into this one.</summary>
public sealed class EndpointReferenceAnnotation(IResourceWithEndpoints resource) : IResourceAnnotation
{
    /// <summary>The other resource.</summary>
    public IResourceWithEndpoints Resource { get; } = resource;

    /// <summary>All of them, or only <see cref="EndpointNames"/>.</summary>
    public bool UseAllEndpoints { get; set; }

    /// <summary>Those that were named.</summary>
    public ISet<string> EndpointNames { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
}

/// <summary>A link between resources, for people.</summary>
public sealed class ResourceRelationshipAnnotation(IResource resource, string type) : IResourceAnnotation
{
    /// <summary>The other end.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>The kind of link.</summary>
    public string Type { get; } = type;
}

/// <summary>A program and where to start it.</summary>
public sealed class ExecutableAnnotation : IResourceAnnotation
{
    /// <summary>The program: a path, or a name that PATH resolves.</summary>
    public required string Command { get; set; }

    /// <summary>The working directory.</summary>
    public required string WorkingDirectory { get; set; }
}
