/// <summary>Starts services without <c>dotnet run</c>.</summary>
internal static class RunAsBuiltExtensions
{
    /// <summary>
    /// Starts the program that was built. <c>dotnet run</c> takes longer to find out that nothing is to be built than
    /// the service takes to start.
    /// </summary>
    public static void RunAsBuilt(this IResourceBuilder<ProjectResource> service)
    {
        var project = new FileInfo(service.Resource.GetProjectMetadata().ProjectPath);
        // As this one's own: bin/Debug/net10.0.
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        service.WithAnnotation(
            new ExecutableAnnotation
            {
                Command = Path.Combine(
                    project.DirectoryName!,
                    "bin",
                    output.Parent!.Name,
                    output.Name,
                    Path.GetFileNameWithoutExtension(project.Name)
                ),
                WorkingDirectory = project.DirectoryName!,
            }
        );
    }
}
