using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Orchestration;

internal static class ResourceNames
{
    /// <summary>The id of a process: <c>orders-kbwzqpxa</c>, new in each run.</summary>
    public static string NewId(IResource resource) => $"{resource.Name}-{RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz", 8)}";

    /// <summary>Whether the resource is a process, or several.</summary>
    public static bool HasProcess(IResource resource) => resource is ProjectResource or ExecutableResource or ContainerResource;

    public static string TypeOf(IResource resource) => resource switch
    {
        ProjectResource => "Project",
        ExecutableResource => "Executable",
        ParameterResource => "Parameter",
        _ when resource.GetType() == typeof(ContainerResource) => "Container",
        _ => resource.GetType().Name,
    };
}
