using GoReliable.Tests.Files.Deploy;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>
/// Runs the commands of a document as a reader pastes them: one shell, in order, in the repository's root.
/// </summary>
internal sealed class DocumentedCommands
{
    private const string Mark = "-- end of block --";

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
        var script = string.Concat(blocks.Select(block => $"{block}\necho; echo '{Mark}'\n"));
        foreach (
            var (port, client) in new[]
            {
                (8080, platform.Client(customer: null)),
                (9101, platform.Management("gateway")),
                (9102, platform.Management("orders")),
                (9103, platform.Management("notifications")),
            }
        )
        {
            using (client)
                script = script.Replace($"localhost:{port}", client.BaseAddress!.Authority, StringComparison.Ordinal);
        }

        var (exitCode, output) = await Tool.RunAsync("bash", "part of every system", "-eu", "-c", script);
        var outputs = output.Split(Mark);
        Assert.True(
            exitCode == 0 && outputs.Length == blocks.Count + 1,
            $"Exit code {exitCode} after {outputs.Length - 1} of {blocks.Count} blocks.\n{output}"
        );
        return new DocumentedCommands([.. blocks.Zip(outputs)]);
    }
}
