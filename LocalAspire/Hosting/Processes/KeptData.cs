using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Processes;

/// <summary>What can be wrong with data from an earlier run.</summary>
internal static class KeptData
{
    public static string InUse(IResource resource, DataDirectory data) =>
        $"Resource '{resource.Name}': its data in {data.Path} is in use by another AppHost that runs. Stop that one first, or start this one without kept data.";

    public static string Foreign(IResource resource, DataDirectory data, int owner, int runsAs) =>
        $"Resource '{resource.Name}': its data in {data.Path} belongs to user {SystemUser.NameOf(owner)}, but the server would run as {SystemUser.NameOf(runsAs)}. " +
        $"Start the AppHost as the user who made it, give it away (chown -R {SystemUser.NameOf(runsAs)} {data.Path}), or remove it to start anew.";

    public static string Untrusted(IResource resource, DataDirectory data) =>
        $"Resource '{resource.Name}': its data would be kept in {Path.GetDirectoryName(data.Path)}, which is not a directory that root alone can write. Remove it, and start again.";

    public static string Forbidden(IResource resource, DataDirectory data) =>
        $"Resource '{resource.Name}': user {SystemUser.NameOf(Native.UserId)} may not write {data.Path}.lock, which keeps its data to one AppHost at a time. " +
        $"Start the AppHost as the user who made it, or remove {Path.GetDirectoryName(data.Path)} to start anew.";
}

/// <summary>The server refuses the configured password: its kept data was made with another one.</summary>
internal sealed class WrongPasswordException(IResource resource, ParameterResource password, Exception inner) : DistributedApplicationException(
    $"Resource '{resource.Name}' refuses its password: its kept data was made with another one than parameter '{password.Name}' has now. " +
    $"Set the old one again (dotnet user-secrets set Parameters:{password.Name} VALUE), or remove the kept data (.data/) to start anew.", inner);
