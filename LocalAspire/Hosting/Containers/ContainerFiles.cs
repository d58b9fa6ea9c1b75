namespace Aspire.Hosting.ApplicationModel;

/// <summary>A file or directory to be put into a container.</summary>
public abstract class ContainerFileSystemItem
{
    private string? _name;

    /// <summary>The name, without any directory.</summary>
    public string Name
    {
        get => _name ?? throw new InvalidOperationException("The item has no name.");
        set => _name = Path.GetFileName(value) == value && value.Length > 0
            ? value
            : throw new ArgumentException($"'{value}' must be a simple file or folder name; use ContainerDirectory for parents.", nameof(value));
    }

    /// <summary>The owner's id inside the container; of no effect here.</summary>
    public int? Owner { get; set; }

    /// <summary>The group's id inside the container; of no effect here.</summary>
    public int? Group { get; set; }

    /// <summary>Permissions; 0 means the default.</summary>
    public UnixFileMode Mode { get; set; }
}

/// <summary>Base of files.</summary>
public abstract class ContainerFileBase : ContainerFileSystemItem
{
    /// <summary>The content; excludes <see cref="SourcePath"/>.</summary>
    public string? Contents { get; set; }

    /// <summary>A file of the host to copy; excludes <see cref="Contents"/>.</summary>
    public string? SourcePath { get; set; }

    /// <summary>Whether the container starts although the file cannot be written.</summary>
    public bool? ContinueOnError { get; set; }
}

/// <summary>A file.</summary>
public sealed class ContainerFile : ContainerFileBase;

/// <summary>A directory.</summary>
public sealed class ContainerDirectory : ContainerFileSystemItem
{
    /// <summary>What it contains.</summary>
    public IEnumerable<ContainerFileSystemItem> Entries { get; set; } = [];

    /// <summary>Reads a file, or the matching files of a directory, as items.</summary>
    public static IEnumerable<ContainerFileSystemItem> GetFileSystemItemsFromPath(string path, string searchPattern = "*", SearchOption searchOptions = SearchOption.TopDirectoryOnly, Action<ContainerFileSystemItem>? updateItem = null)
    {
        var fullPath = Path.GetFullPath(path);
        if (File.Exists(fullPath))
            return [Updated(new ContainerFile { Name = Path.GetFileName(fullPath), SourcePath = fullPath }, updateItem)];

        return Directory.Exists(fullPath)
            ? Read(new DirectoryInfo(fullPath), searchPattern, searchOptions, updateItem)
            : throw new InvalidOperationException($"There is no file or directory '{fullPath}'.");
    }

    private static List<ContainerFileSystemItem> Read(DirectoryInfo directory, string pattern, SearchOption options, Action<ContainerFileSystemItem>? updateItem)
    {
        var items = new List<ContainerFileSystemItem>();
        foreach (var file in directory.GetFiles(pattern).OrderBy(f => f.Name, StringComparer.Ordinal))
            items.Add(Updated(new ContainerFile { Name = file.Name, SourcePath = file.FullName }, updateItem));

        if (options == SearchOption.TopDirectoryOnly)
            return items;

        foreach (var inner in directory.GetDirectories().OrderBy(d => d.Name, StringComparer.Ordinal))
        {
            var entries = Read(inner, pattern, options, updateItem);
            if (entries.Count > 0)
                items.Add(Updated(new ContainerDirectory { Name = inner.Name, Entries = entries }, updateItem));
        }

        return items;
    }

    private static ContainerFileSystemItem Updated(ContainerFileSystemItem item, Action<ContainerFileSystemItem>? update)
    {
        update?.Invoke(item);
        return item;
    }
}

/// <summary>Files that are written before the container starts.</summary>
public sealed class ContainerFileSystemCallbackAnnotation : IResourceAnnotation
{
    /// <summary>The directory inside the container.</summary>
    public required string DestinationPath { get; init; }

    /// <summary>The owner of items without one.</summary>
    public int? DefaultOwner { get; init; }

    /// <summary>The group of items without one.</summary>
    public int? DefaultGroup { get; init; }

    /// <summary>Permissions that are taken away.</summary>
    public UnixFileMode? Umask { get; set; }

    /// <summary>Makes the items.</summary>
    public required Func<ContainerFileSystemCallbackContext, CancellationToken, Task<IEnumerable<ContainerFileSystemItem>>> Callback { get; init; }
}

/// <summary>What a files callback can use.</summary>
public sealed class ContainerFileSystemCallbackContext
{
    /// <summary>The application's services.</summary>
    public required IServiceProvider Services { get; init; }

    /// <summary>The container.</summary>
    public required IResource Model { get; init; }
}
