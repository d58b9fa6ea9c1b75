namespace GoReliable.Tests.Files.Deploy;

/// <summary>The files of this repository that tools outside it read.</summary>
internal static class DeployFiles
{
    /// <summary>The folder that holds <c>GoReliable.sln</c>, found upwards from the test's output folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Absolute path of a file or folder, given from the repository's root with forward slashes.</summary>
    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    /// <summary>The text of a file, given from the repository's root.</summary>
    public static string Read(string relative) => File.ReadAllText(Path(relative));

    /// <summary>All files below a folder that match a pattern, in a stable order.</summary>
    public static IReadOnlyList<string> Find(string folder, string pattern) =>
        [.. Directory.EnumerateFiles(Path(folder), pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>Path from the repository's root, with forward slashes: for messages and links.</summary>
    public static string Relative(string path) => System.IO.Path.GetRelativePath(Root, path).Replace('\\', '/');

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "GoReliable.sln")))
                return folder.FullName;

        throw new InvalidOperationException($"No GoReliable.sln in or above {AppContext.BaseDirectory}.");
    }
}
