using System.Runtime.InteropServices;

namespace Aspire.Hosting.Processes;

/// <summary>The system calls that .NET has no method for.</summary>
internal static class Native
{
    public const int SIGINT = 2;
    public const int SIGKILL = 9;
    public const int SIGTERM = 15;

    public static bool IsRoot => geteuid() == 0;

    /// <summary>Sends a signal to a process, or to a process group when the id is negative; false when there is none.</summary>
    public static bool Signal(int pid, int signal) => kill(pid, signal) == 0;

    /// <summary>Gives a directory to a user.</summary>
    public static void ChangeOwner(string path, int user, int group)
    {
        if (chown(path, user, group) != 0)
            throw new DistributedApplicationException($"The directory {path} cannot be given to user {user}: error {Marshal.GetLastPInvokeError()}.");
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int kill(int pid, int signal);

    [DllImport("libc")]
    private static extern uint geteuid();

    [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    private static extern int chown(string path, int user, int group);
}
