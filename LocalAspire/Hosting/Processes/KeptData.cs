using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Processes;

/// <summary>What can be wrong with data from an earlier run.</summary>
internal static class KeptData
{
    public static string InUse(IResource resource, DataDirectory data) =>
        $"Resource '{resource.Name}': its data in {data.Path} is in use by another AppHost that runs. Stop that one first, or start this one without kept data.";
}

/// <summary>The server refuses the configured password: its kept data was made with another one.</summary>
internal sealed class WrongPasswordException(IResource resource, ParameterResource password, Exception inner) : DistributedApplicationException(
    $"Resource '{resource.Name}' refuses its password: its kept data was made with another one than parameter '{password.Name}' has now. " +
    $"Set the old one again (dotnet user-secrets set Parameters:{password.Name} VALUE), or remove the kept data (.data/) to start anew.", inner);
