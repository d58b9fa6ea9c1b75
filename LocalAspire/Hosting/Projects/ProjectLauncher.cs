using System.Diagnostics;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;
using Aspire.Hosting.Processes;

namespace Aspire.Hosting.Projects;

/// <summary>Starts the built assembly of a project, in the project's directory; it is built for the same configuration as the AppHost.</summary>
internal sealed class ProjectLauncher(ProjectResource project, string configuration) : IResourceLauncher
{
    private readonly IProjectMetadata _metadata = project.GetProjectMetadata();
    private string? _assembly;

    public IEnumerable<string> FindProblems()
    {
        if (!File.Exists(_metadata.ProjectPath))
            yield return $"Resource '{project.Name}': there is no project file {_metadata.ProjectPath}.";
        else if (!File.Exists(_assembly = _metadata.TargetPath ?? AskForTargetPath()))
            yield return $"Resource '{project.Name}' is not built: there is no {_assembly}. Build it with: dotnet build {_metadata.ProjectPath}";
    }

    public Task<Launch> PrepareAsync(LaunchContext context, CancellationToken cancellationToken) =>
        Task.FromResult(new Launch(Programs.Dotnet, [_assembly!, .. context.Arguments], Path.GetDirectoryName(_metadata.ProjectPath)!, context.Variables));

    public void Dispose()
    {
    }

    // A project that was added by its path is not known to the AppHost's build.
    private string AskForTargetPath()
    {
        using var msbuild = Process.Start(new ProcessStartInfo(Programs.Dotnet, ["msbuild", _metadata.ProjectPath, "-getProperty:TargetPath", $"-property:Configuration={configuration}"]) { RedirectStandardOutput = true })!;
        var path = msbuild.StandardOutput.ReadToEnd().Trim();
        msbuild.WaitForExit();
        return path;
    }
}
