using System.Text.Json.Nodes;
using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.Files.Manifest;

/// <summary>
/// The deployment manifest, as Aspire 13.6.5 writes it. After a change of the topology, write the expectation anew:
/// <c>dotnet run --project GoReliable.AppHost -- --operation publish --step publish-manifest
/// --output-path ../GoReliable.Tests/Files/Manifest/aspire-manifest.json</c>
/// </summary>
public sealed class ManifestTests : IDisposable
{
    private static readonly string Expected = DeployFiles.Read("GoReliable.Tests/Files/Manifest/aspire-manifest.json");

    // As deep below the repository's root as the expectation, so that relative paths are the same.
    private readonly string directory = Directory
        .CreateDirectory(DeployFiles.Path($"aspire-output/manifests/{Guid.NewGuid():N}"))
        .FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    // azd gives a directory, and expects this name in it. It knows no passwords; whoever does must not publish them.
    [Theory]
    [InlineData("--operation publish --step publish-manifest --Servers=containers", "aspire-manifest.json", "")]
    [InlineData("--publisher manifest --Servers=processes", "", "Parameters__postgres-password")]
    public async Task The_published_manifest_is_the_checked_in_one(string form, string path, string secret)
    {
        var run = await AppHostRun.RunAsync(
            [.. form.Split(' '), "--output-path", Path.Combine(directory, path)],
            secret == "" ? null : new Dictionary<string, string> { [secret] = "not-to-be-published" }
        );

        Assert.True(run.ExitCode == 0, $"{run}");
        Assert.Contains("{postgres-password.value}", Expected);
        var manifest = await File.ReadAllTextAsync(
            Path.Combine(directory, "aspire-manifest.json"),
            TestContext.Current.CancellationToken
        );
        Assert.Equal(Expected.TrimEnd(), manifest.TrimEnd());
    }

    [Fact]
    public void Only_the_gateways_api_is_external()
    {
        var resources = JsonNode.Parse(Expected)!["resources"]!.AsObject();

        var external =
            from resource in resources
            from binding in resource.Value!["bindings"]?.AsObject() ?? []
            where (bool?)binding.Value!["external"] == true
            select $"{resource.Key}/{binding.Key}";

        Assert.Equal(["gateway/http", "gateway/https"], external);
    }
}
