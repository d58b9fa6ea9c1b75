using GoReliable.Tests.Files.Manifest;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>The files of this repository that tools outside it read.</summary>
internal static class DeployFiles
{
    /// <summary>The repository's root.</summary>
    public static string Root => AppHostRun.Repository;

    /// <summary>Absolute path of a file or folder, given from the repository's root with forward slashes.</summary>
    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    /// <summary>The text of a file, given from the repository's root.</summary>
    public static string Read(string relative) => File.ReadAllText(Path(relative));

    /// <summary>All files below a folder that match a pattern, in a stable order.</summary>
    public static IReadOnlyList<string> Find(string folder, string pattern) =>
        [.. Directory.EnumerateFiles(Path(folder), pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>Path from the repository's root, with forward slashes: for messages and links.</summary>
    public static string Relative(string path) => System.IO.Path.GetRelativePath(Root, path).Replace('\\', '/');
}
