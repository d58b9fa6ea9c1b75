using System.Diagnostics;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>
/// Runs the commands of a document as a reader pastes them: one shell, in order, in the repository's root.
/// </summary>
internal sealed class DocumentedCommands
{
    private const string Mark = "-- end of block --";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly IReadOnlyList<(string Block, string Output)> ran;

    private DocumentedCommands(IReadOnlyList<(string Block, string Output)> ran) => this.ran = ran;

    /// <summary>What the block that contains this command printed.</summary>
    public string OutputOf(string command) =>
        Assert.Single(ran, block => block.Block.Contains(command, StringComparison.Ordinal)).Output;

    /// <summary>Runs them all; a command that fails ends the run and is an error.</summary>
    /// <param name="platform">Takes the place of the one that <c>./run</c> starts on fixed ports.</param>
    /// <param name="blocks">Fenced blocks of a document.</param>
    public static async Task<DocumentedCommands> RunAsync(GoReliablePlatform platform, IReadOnlyList<string> blocks)
    {
        using var api = platform.Client(customer: null);
        using var gateway = platform.Management("gateway");
        using var orders = platform.Management("orders");
        using var notifications = platform.Management("notifications");
        var script = string.Concat(blocks.Select(block => $"{block}\necho; echo '{Mark}'\n"))
            .Replace("localhost:8080", api.BaseAddress!.Authority, StringComparison.Ordinal)
            .Replace("localhost:9101", gateway.BaseAddress!.Authority, StringComparison.Ordinal)
            .Replace("localhost:9102", orders.BaseAddress!.Authority, StringComparison.Ordinal)
            .Replace("localhost:9103", notifications.BaseAddress!.Authority, StringComparison.Ordinal);

        var (exitCode, output, error) = await BashAsync(script);
        var outputs = output.Split(Mark);
        Assert.True(
            exitCode == 0 && outputs.Length == blocks.Count + 1,
            $"Exit code {exitCode} after {outputs.Length - 1} of {blocks.Count} blocks.\n{output}\n{error}"
        );
        return new DocumentedCommands([.. blocks.Zip(outputs)]);
    }

    private static async Task<(int ExitCode, string Output, string Error)> BashAsync(string script)
    {
        using var bash = Process.Start(
            new ProcessStartInfo("bash", ["-eu", "-c", script])
            {
                WorkingDirectory = AppHostRun.Repository,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            var output = bash.StandardOutput.ReadToEndAsync(patience.Token);
            var error = bash.StandardError.ReadToEndAsync(patience.Token);
            await bash.WaitForExitAsync(patience.Token);
            return (bash.ExitCode, await output, await error);
        }
        catch (OperationCanceledException exception)
        {
            bash.Kill(entireProcessTree: true);
            throw new TimeoutException($"These commands did not end within {Patience}:\n{script}", exception);
        }
    }
}
