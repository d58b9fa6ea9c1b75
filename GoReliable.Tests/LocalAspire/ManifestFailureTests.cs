using GoReliable.Tests.Manifest;

namespace GoReliable.Tests.LocalAspire;

/// <summary>Where Aspire ends with exit code 0 and no manifest, this engine says what is wrong.</summary>
public sealed class ManifestFailureTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("goreliable-manifest-").FullName;

    private string ManifestPath => Path.Combine(_directory, "aspire-manifest.json");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("--operation publish --step publish-manifests", "Unknown step 'publish-manifests'")]
    [InlineData("--publisher docker-compose", "Unknown publisher 'docker-compose'")]
    [InlineData("--operation publish", "--step publish-manifest")]
    public async Task What_cannot_be_published_is_named(string form, string message) =>
        await FailsAsync([.. form.Split(' '), "--output-path", ManifestPath], message);

    [Theory]
    [InlineData("--operation publish --step publish-manifest")]
    [InlineData("--publisher manifest")]
    public async Task A_missing_output_path_is_asked_for(string form) => await FailsAsync(form.Split(' '), "--output-path FILE");

    [Fact]
    public async Task A_path_that_cannot_be_written_is_reported()
    {
        var file = Path.Combine(_directory, "a-file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);

        await FailsAsync(["--publisher", "manifest", "--output-path", Path.Combine(file, "aspire-manifest.json")], file);
    }

    [Fact]
    public async Task Publishing_needs_no_program_but_dotnet_and_says_where_it_wrote()
    {
        var run = await AppHostRun.RunAsync(["--publisher", "manifest", "--output-path", ManifestPath], new Dictionary<string, string> { ["PATH"] = "/nowhere" });

        Assert.Equal(new AppHostRun(0, $"Published manifest to: {ManifestPath}{Environment.NewLine}", ""), run);
    }

    private async Task FailsAsync(IEnumerable<string> arguments, string message)
    {
        var run = await AppHostRun.RunAsync(arguments);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.False(File.Exists(ManifestPath));
    }
}
