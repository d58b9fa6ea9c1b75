namespace Aspire.Hosting.Processes;

/// <summary>
/// One directory for all temporary files of this AppHost. It is removed at the end;
/// an AppHost that was killed leaves its own behind, which the next one removes.
/// </summary>
internal static class TemporaryDirectory
{
    private const string Prefix = "localaspire-";
    private const string LockFile = "lock";

    private static readonly Lazy<string> Root = new(Create);

    /// <summary>A path for a resource's files; nothing is created there yet.</summary>
    public static string Choose(string resourceName) => Path.Combine(Root.Value, $"{resourceName}-{Guid.NewGuid():N}");

    /// <summary>Removes a resource's files. What cannot be removed now is left to the end of this AppHost, or to the next one.</summary>
    public static void Remove(string path)
    {
        try
        {
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Something still writes there.
        }
    }

    private static string Create()
    {
        // A server that runs as another user has to get there: not every TMPDIR lets it.
        var parent = DataDirectory.CanBeEntered(Path.GetTempPath()) ? Path.GetTempPath() : "/tmp";
        foreach (var left in Directory.GetDirectories(parent, $"{Prefix}*"))
            RemoveUnlessLocked(left);

        var root = Directory.CreateDirectory(Path.Combine(parent, $"{Prefix}{Guid.NewGuid():N}")).FullName;
        if (Native.IsRoot)
            File.SetUnixFileMode(root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute); // Whatever the umask.

        var guard = Lock(root, FileMode.Create);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            guard.Dispose();
            RemoveUnlessLocked(root);
        };
        return root;
    }

    private static void RemoveUnlessLocked(string directory)
    {
        try
        {
            using (Lock(directory, FileMode.Open))
                Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // In use, or another user's; an AppHost that comes later may succeed.
        }
    }

    private static FileStream Lock(string directory, FileMode mode) =>
        new(Path.Combine(directory, LockFile), mode, FileAccess.ReadWrite, FileShare.None);
}
