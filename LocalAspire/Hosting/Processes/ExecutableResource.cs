namespace Aspire.Hosting.ApplicationModel;

/// <summary>A program.</summary>
public class ExecutableResource : Resource, IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport
{
    /// <summary>Creates the resource.</summary>
    public ExecutableResource(string name, string command, string workingDirectory) : base(name)
    {
        ArgumentException.ThrowIfNullOrEmpty(command);
        Annotations.Add(new ExecutableAnnotation { Command = command, WorkingDirectory = workingDirectory });
    }

    /// <summary>The program: a path, or a name that PATH resolves.</summary>
    public string Command => Annotations.OfType<ExecutableAnnotation>().Last().Command;

    /// <summary>The working directory.</summary>
    public string WorkingDirectory => Annotations.OfType<ExecutableAnnotation>().Last().WorkingDirectory;
}
