using System.Text.Json;
using System.Text.Json.Nodes;

namespace GoReliable.Tests.Files.Manifest;

/// <summary>
/// The deployment manifest, as Aspire 13.6.5 writes it. After a change of the topology, write the expectation anew:
/// <c>dotnet run --project GoReliable.AppHost -- --operation publish --step publish-manifest
/// --output-path ../GoReliable.Tests/Files/Manifest/aspire-manifest.json</c>
/// </summary>
public sealed class ManifestTests : IDisposable
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    // As deep below the repository's root as the expectation, so that relative paths are the same.
    private readonly string _directory = Path.Combine(
        AppHostRun.Repository,
        "aspire-output",
        "manifests",
        Guid.NewGuid().ToString("N")
    );

    private string ManifestPath => Path.Combine(_directory, "aspire-manifest.json");

    public void Dispose()
    {
        if (Directory.Exists(_directory))
            Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("--operation publish --step publish-manifest")]
    [InlineData("--publisher manifest --Servers=processes")]
    [InlineData("--publisher manifest --Servers=containers")]
    public async Task The_published_manifest_is_the_checked_in_one(string form)
    {
        var run = await AppHostRun.RunAsync([.. form.Split(' '), "--output-path", ManifestPath]);

        Assert.True(File.Exists(ManifestPath), $"No manifest was written. {run}");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            Normalized(
                Path.Combine(AppHostRun.Repository, "GoReliable.Tests", "Files", "Manifest", "aspire-manifest.json")
            ),
            Normalized(ManifestPath)
        );
    }

    [Fact]
    public async Task An_output_directory_gets_a_file_with_the_name_that_azd_expects()
    {
        var run = await AppHostRun.RunAsync(["--publisher", "manifest", "--output-path", _directory]);

        Assert.True(File.Exists(ManifestPath), $"No manifest was written. {run}");
    }

    [Fact]
    public async Task Secrets_are_described_but_their_values_are_not_written()
    {
        var secrets = new Dictionary<string, string>
        {
            ["Parameters__postgres-password"] = "not-to-be-published",
            ["Parameters__messaging-password"] = "not-to-be-published",
        };

        var run = await AppHostRun.RunAsync(["--publisher", "manifest", "--output-path", ManifestPath], secrets);

        Assert.True(File.Exists(ManifestPath), $"No manifest was written. {run}");
        var manifest = await File.ReadAllTextAsync(ManifestPath, TestContext.Current.CancellationToken);
        Assert.Contains("{postgres-password.value}", manifest, StringComparison.Ordinal);
        Assert.DoesNotContain("not-to-be-published", manifest, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_the_gateways_api_is_external()
    {
        var resources = JsonNode.Parse(
            File.ReadAllText(
                Path.Combine(AppHostRun.Repository, "GoReliable.Tests", "Files", "Manifest", "aspire-manifest.json")
            )
        )!["resources"]!.AsObject();

        var external =
            from resource in resources
            from binding in resource.Value!["bindings"]?.AsObject() ?? []
            where (bool?)binding.Value!["external"] == true
            select $"{resource.Key}/{binding.Key}";

        Assert.Equal(["gateway/http", "gateway/https"], external);
    }

    private static string Normalized(string path) => JsonNode.Parse(File.ReadAllText(path))!.ToJsonString(Indented);
}
