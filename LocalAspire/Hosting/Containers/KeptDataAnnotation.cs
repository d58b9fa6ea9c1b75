using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>The server's data survives the AppHost, in <c>.data/</c> of the repository under this name or the resource's.</summary>
internal sealed class KeptDataAnnotation(string? name) : IResourceAnnotation
{
    public string? Name => name;
}
