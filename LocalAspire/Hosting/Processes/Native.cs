using System.Runtime.InteropServices;

namespace Aspire.Hosting.Processes;

/// <summary>The system calls that .NET has no method for.</summary>
internal static class Native
{
    public const int SIGINT = 2;
    public const int SIGKILL = 9;
    public const int SIGTERM = 15;

    private const int AT_FDCWD = -100;
    private const int AT_SYMLINK_NOFOLLOW = 0x100;
    private const uint STATX_TYPE_MODE_UID = 0x1 | 0x2 | 0x8;

    public static bool IsRoot => UserId == 0;

    public static int UserId => (int)geteuid();

    /// <summary>Sends a signal to a process, or to a process group when the id is negative; false when there is none.</summary>
    public static bool Signal(int pid, int signal) => kill(pid, signal) == 0;

    /// <summary>Gives a directory or a file to a user; a link is not followed.</summary>
    public static void ChangeOwner(string path, int user, int group)
    {
        if (lchown(path, user, group) != 0)
            throw new DistributedApplicationException($"The directory {path} cannot be given to user {user}: error {Marshal.GetLastPInvokeError()}.");
    }

    /// <summary>Who owns what is at a path, and its type and permissions; a link is not followed. Null when nothing is there, or cannot be seen.</summary>
    public static (int Owner, int Mode)? Status(string path)
    {
        // struct statx is laid out the same on all machines: stx_uid is at 20, stx_mode at 28.
        var status = new byte[256];
        return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE_MODE_UID, status) == 0
            ? (BitConverter.ToInt32(status, 20), BitConverter.ToUInt16(status, 28))
            : null;
    }

    /// <summary>Whether a mode is that of a directory, not of a link, that only its owner can write.</summary>
    public static bool IsDirectoryOfItsOwner(int mode) => (mode & 0xF000) == 0x4000 && (mode & (int)(UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) == 0;

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int signal);

    [DllImport("libc")]
    private static extern uint geteuid();

    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int lchown(string path, int user, int group);

    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int statx(int directory, string path, int flags, uint mask, byte[] status);
}
