using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Processes;

/// <summary>Where a server has its data: kept in the repository, or temporary.</summary>
internal sealed class DataDirectory : IDisposable
{
    private const string Shared = "/var/tmp";

    private FileStream? _lock;

    private DataDirectory(string path, bool isKept)
    {
        Path = path;
        IsKept = isKept;
    }

    public string Path { get; }

    public bool IsKept { get; }

    /// <summary>Chooses the directory; creates nothing yet.</summary>
    public static DataDirectory Choose(IResource resource, string appHostDirectory, SystemUser? user)
    {
        if (!resource.TryGetLastAnnotation<KeptDataAnnotation>(out var kept))
            return new DataDirectory(TemporaryDirectory.Choose(resource.Name), isKept: false);

        var root = RepositoryRoot(appHostDirectory);
        var name = kept.Name ?? resource.Name;
        var path = System.IO.Path.Combine(root, ".data", name);

        // Another user often cannot enter root's home. What belongs to a repository there is kept where everybody can.
        if (user is not null && !CanBeEntered(root))
            path = System.IO.Path.Combine(Shared, $"{System.IO.Path.GetFileName(root)}-{Hash(root)}", name);

        return new DataDirectory(path, isKept: true);
    }

    /// <summary>Reserves kept data for this AppHost until it ends, however it ends; returns the sentence that says why it cannot be had.</summary>
    public string? Reserve(IResource resource, SystemUser? user)
    {
        if (!IsKept || _lock is not null)
            return null;

        try
        {
            if (!TryCreateParent(System.IO.Path.GetDirectoryName(Path)!))
                return KeptData.Untrusted(resource, this);

            var runsAs = user?.Id ?? Native.UserId;
            if (Native.Status(Path) is var (owner, _) && owner != runsAs)
                return KeptData.Foreign(resource, this, owner, runsAs);

            _lock = new FileStream($"{Path}.lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return KeptData.Forbidden(resource, this);
        }
        catch (IOException)
        {
            return KeptData.InUse(resource, this);
        }
    }

    /// <summary>Creates a directory for its user alone.</summary>
    public static void Create(string path, SystemUser? user)
    {
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (user is not null)
            Native.ChangeOwner(path, user.Id, user.Group);
    }

    /// <summary>Removes temporary data, and lets others have kept data.</summary>
    public void Dispose()
    {
        _lock?.Dispose();
        _lock = null;
        if (!IsKept)
            TemporaryDirectory.Remove(Path);
    }

    // For root: a server that runs as another user must get through, whatever the umask; and everybody could have put something
    // else at the place in /var/tmp, whose name is no secret. What is root's own there, nobody else can replace.
    private static bool TryCreateParent(string parent)
    {
        if (!Native.IsRoot)
        {
            Directory.CreateDirectory(parent);
            return true;
        }

        if (Native.Status(parent) is null)
            Directory.CreateDirectory(parent, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);

        if (parent.StartsWith($"{Shared}/", StringComparison.Ordinal) && !(Native.Status(parent) is { Owner: 0 } status && Native.IsDirectoryOfItsOwner(status.Mode)))
            return false;

        File.SetUnixFileMode(parent, File.GetUnixFileMode(parent) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        return true;
    }

    public static string RepositoryRoot(string directory)
    {
        for (var d = new DirectoryInfo(directory); d is not null; d = d.Parent)
        {
            if (d.EnumerateFiles("*.sln").Any() || d.EnumerateFiles("*.slnx").Any() || System.IO.Path.Exists(System.IO.Path.Combine(d.FullName, ".git")))
                return d.FullName;
        }

        return directory;
    }

    /// <summary>Whether every user gets into a directory.</summary>
    public static bool CanBeEntered(string directory)
    {
        for (var d = new DirectoryInfo(directory); d is not null; d = d.Parent)
        {
            if (!d.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
                return false;
        }

        return true;
    }

    private static string Hash(string text) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..8].ToLowerInvariant();
}
