namespace Aspire.Hosting.Processes;

/// <summary>Finds programs.</summary>
internal static class Programs
{
    // Services' accounts and containers often have a PATH without the sbin directories.
    private static readonly string[] SearchPath =
        [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    public static string? Find(string name) => name.Contains('/', StringComparison.Ordinal)
        ? (File.Exists(name) ? name : null)
        : SearchPath.Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);

    /// <summary>What installs a package, to be said after "Install it with:".</summary>
    public static string Install(string package) => Find("apt-get") is null
        ? $"this system's package manager (on Debian and Ubuntu, where this engine looks for programs: apt-get install {package}); the other way is a container runtime and engine 'aspire'"
        : Native.IsRoot ? $"apt-get install --yes {package}" : $"sudo apt-get install --yes {package}";

    /// <summary>The dotnet that runs this process, so that projects run on the same SDK.</summary>
    public static string Dotnet => Environment.ProcessPath is { } self && Path.GetFileName(self) == "dotnet" ? self
        : Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") is { Length: > 0 } host ? host
        : Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root && File.Exists(Path.Combine(root, "dotnet")) ? Path.Combine(root, "dotnet")
        : Find("dotnet") ?? throw new DistributedApplicationException("The program 'dotnet' is not on the PATH; install the .NET SDK: https://dot.net/download");
}
