using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;
using Aspire.Hosting.Processes;

namespace Aspire.Hosting.Containers;

/// <summary>
/// Starts a local program in place of a container. The mounts and files that the container would see
/// are laid out below a temporary root, and paths in the arguments are translated to there.
/// </summary>
internal sealed class ContainerLauncher(ContainerResource container, LocalProgram program, string appHostDirectory, IServiceProvider services) : IResourceLauncher
{
    private readonly string _root = TemporaryDirectory.Choose(container.Name);

    public async Task<Launch> PrepareAsync(LaunchContext context, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_root);
        foreach (var mount in container.Annotations.OfType<ContainerMountAnnotation>())
            Mount(mount);

        foreach (var files in container.Annotations.OfType<ContainerFileSystemCallbackAnnotation>())
        {
            var items = await files.Callback(new ContainerFileSystemCallbackContext { Services = services, Model = container }, cancellationToken);
            Write(Inside(files.DestinationPath), items);
        }

        List<string> arguments = [.. context.Arguments.Count > 0 ? context.Arguments : program.DefaultArguments];
        if (container.Annotations.OfType<EndpointAnnotation>().FirstOrDefault()?.AllocatedEndpoint is { } endpoint)
            arguments.Add(program.ListenArgument(endpoint.Port));

        return new Launch(Programs.Find(program.Program)!, [.. arguments.Select(Translate)], _root, context.Variables);
    }

    // Links to the host's files are removed, not followed.
    public void Dispose() => TemporaryDirectory.Remove(_root);

    private void Mount(ContainerMountAnnotation mount)
    {
        var target = Inside(mount.Target);
        if (mount is { Type: ContainerMountType.Volume, Source: null })
        {
            Directory.CreateDirectory(target);
            return;
        }

        var source = mount.Source!;
        if (mount.Type == ContainerMountType.Volume)
        {
            source = Path.Combine(DataDirectory.RepositoryRoot(appHostDirectory), ".data", source);
            Directory.CreateDirectory(source);
        }

        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        if (mount.Type == ContainerMountType.Volume || File.Exists(source))
        {
            Link(target, source);
            return;
        }

        // One link per entry, so that files put beside them do not land in the mounted directory.
        Directory.CreateDirectory(target);
        foreach (var entry in Directory.EnumerateFileSystemEntries(source))
            Link(Path.Combine(target, Path.GetFileName(entry)), entry);
    }

    private static void Link(string path, string target)
    {
        if (!Path.Exists(path))
            File.CreateSymbolicLink(path, target);
    }

    private static void Write(string directory, IEnumerable<ContainerFileSystemItem> items)
    {
        Directory.CreateDirectory(directory);
        foreach (var item in items)
        {
            var path = Path.Combine(directory, item.Name);
            if (item is ContainerDirectory inner)
            {
                Write(path, inner.Entries);
                continue;
            }

            var file = (ContainerFileBase)item;
            File.Delete(path);
            if (file.SourcePath is { } source)
                File.Copy(source, path);
            else
                File.WriteAllText(path, file.Contents ?? "");
        }
    }

    private string Inside(string path) => Path.Combine(_root, path.TrimStart('/'));

    /// <summary>Translates <c>/path</c> and <c>--option=/path</c>, when there is such a file, or when the program is to create it below a known directory.</summary>
    private string Translate(string argument)
    {
        var start = argument.StartsWith('/') ? 0 : argument.IndexOf("=/", StringComparison.Ordinal) + 1;
        if (start == 0 && !argument.StartsWith('/'))
            return argument;

        var path = Inside(argument[start..]);
        return argument.StartsWith("--web.", StringComparison.Ordinal) && !Path.Exists(path) ? argument : string.Concat(argument.AsSpan(0, start), path);
    }
}
