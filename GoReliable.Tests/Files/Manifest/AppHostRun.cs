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
        string[] all = [Program, .. arguments];
        using var process = await TiedProcess.StartDotnetAsync(all, environment ?? new Dictionary<string, string>());
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var error = process.StandardError.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return new AppHostRun(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The AppHost did not end within {Patience}: {string.Join(' ', all)}", e);
        }
    }
}
