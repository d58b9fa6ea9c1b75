namespace Aspire.Hosting.ApplicationModel;

/// <summary>A container. On this engine it runs when a local program is known for its image.</summary>
public class ContainerResource(string name, string? entrypoint = null)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport
{
    /// <summary>The program inside the image; null means the image's own.</summary>
    public string? Entrypoint { get; set; } = entrypoint;
}
