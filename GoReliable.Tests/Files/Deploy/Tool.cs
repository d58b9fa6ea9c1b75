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
        using var process = new Process();
        process.StartInfo = new(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = DeployFiles.Root,
        };
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            Assert.Skip($"{program} is not installed: {install}.");
        }

        var (output, errors) = await EndAsync(process, Patience);
        return (process.ExitCode, output + errors);
    }

    /// <summary>What a process writes until its end.</summary>
    /// <exception cref="TimeoutException">It did not end in time; it is killed.</exception>
    public static async Task<(string Output, string Errors)> EndAsync(Process process, TimeSpan patience)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(patience);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
            var errors = process.StandardError.ReadToEndAsync(timeout.Token);
            await process.WaitForExitAsync(timeout.Token);
            return (await output, await errors);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            var command = $"{process.StartInfo.FileName} {string.Join(' ', process.StartInfo.ArgumentList)}";
            throw new TimeoutException($"This did not end within {patience}: {command}", e);
        }
    }

    /// <summary>Runs Prometheus' own checker, which must find nothing wrong.</summary>
    public static async Task PromtoolAsync(params string[] arguments)
    {
        var (exitCode, output) = await RunAsync("promtool", "apt-get install prometheus", arguments);
        Assert.True(exitCode == 0, output);
    }
}
