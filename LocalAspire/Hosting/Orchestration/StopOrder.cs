using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Orchestration;

internal static class StopOrder
{
    /// <summary>Groups resources so that each stops after all that wait for it or refer to it. A circle stops at once.</summary>
    public static IEnumerable<IReadOnlyList<IResource>> Of(IEnumerable<IResource> resources)
    {
        var left = resources.ToList();
        while (left.Count > 0)
        {
            var unused = left.Where(resource => !left.Any(other => other != resource && Uses(other, resource))).ToList();
            var group = unused.Count > 0 ? unused : [.. left];
            yield return group;
            left.RemoveAll(group.Contains);
        }
    }

    private static bool Uses(IResource user, IResource used) =>
        user.Annotations.OfType<ResourceRelationshipAnnotation>().Any(link => Server(link.Resource) == used)
        || user.Annotations.OfType<WaitAnnotation>().Any(wait => Server(wait.Resource) == used);

    private static IResource Server(IResource resource) => resource is IResourceWithParent child ? child.Parent : resource;
}
