using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;

namespace Aspire.Hosting.Processes;

/// <summary>Starts a program.</summary>
internal sealed class ExecutableLauncher(ExecutableResource executable) : IResourceLauncher
{
    public IEnumerable<string> FindProblems()
    {
        if (Find() is null)
            yield return $"Resource '{executable.Name}' needs the program '{executable.Command}', which is not installed. Install it with: {Programs.Install(Path.GetFileName(executable.Command))}";
        else if (!Directory.Exists(executable.WorkingDirectory))
            yield return $"Resource '{executable.Name}': there is no directory {executable.WorkingDirectory}.";
    }

    public Task<Launch> PrepareAsync(LaunchContext context, CancellationToken cancellationToken) =>
        Task.FromResult(new Launch(Find()!, context.Arguments, executable.WorkingDirectory, context.Variables) { StopWholeGroup = true });

    public void Dispose()
    {
    }

    private string? Find() => executable.Command.Contains('/', StringComparison.Ordinal)
        ? Programs.Find(Path.GetFullPath(executable.Command, executable.WorkingDirectory))
        : Programs.Find(executable.Command);
}
