using GoReliable.Tests.Files.Deploy;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Files.Manifest;

/// <summary>The built AppHost, run to its end as a process of its own.</summary>
/// <param name="ExitCode">Zero if it says that it succeeded.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Error">What it wrote to standard error.</param>
internal sealed record AppHostRun(int ExitCode, string Output, string Error)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The repository's root.</summary>
    public static string Repository { get; } = Path.GetDirectoryName(Projects.GoReliable_AppHost.ProjectPath)!;

    /// <summary>
    /// The AppHost where it was built; beside the tests is a copy that lacks what it needs to run by itself.
    /// </summary>
    public static string Program { get; } =
        Path.Combine(
            Repository,
            "GoReliable.AppHost",
            Path.GetRelativePath(Path.Combine(Repository, "GoReliable.Tests"), AppContext.BaseDirectory),
            "GoReliable.AppHost.dll"
        );

    /// <summary>Runs it.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables that it gets besides the tests' own.</param>
    /// <exception cref="TimeoutException">It did not end within a minute; it is killed.</exception>
    public static async Task<AppHostRun> RunAsync(
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        using var process = await TiedProcess.StartDotnetAsync(
            [Program, .. arguments],
            environment ?? new Dictionary<string, string>()
        );
        var (output, error) = await Tool.EndAsync(process, Patience);
        return new AppHostRun(process.ExitCode, output, error);
    }
}
