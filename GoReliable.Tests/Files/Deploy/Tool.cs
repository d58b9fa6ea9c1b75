using System.ComponentModel;
using System.Diagnostics;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>Runs a command-line tool to its end.</summary>
internal static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>
    /// Exit code and combined output of a run. A tool that is not installed skips the test and says how to get it:
    /// the files can be used without it, only their check needs it.
    /// </summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        string program,
        string install,
        params string[] arguments
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = DeployFiles.Root,
        };

        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{program} is not installed: {install}.");
        }

        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(Patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
            var errors = process.StandardError.ReadToEndAsync(timeout.Token);
            await process.WaitForExitAsync(timeout.Token);
            return (process.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {Patience}.");
        }
    }

    /// <summary>Runs Prometheus' own checker, which must find nothing wrong.</summary>
    public static async Task PromtoolAsync(params string[] arguments)
    {
        var (exitCode, output) = await RunAsync("promtool", "apt-get install prometheus", arguments);
        Assert.True(exitCode == 0, output);
    }
}
