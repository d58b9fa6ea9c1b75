using System.Text.RegularExpressions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>A fork that follows the guide and releases runs its own images, from its own repository.</summary>
public sealed partial class ForkTests : IDisposable
{
    private const string Ours = "goreliable/goreliable";
    private const string Fork = "someone/shop";

    // The tag of all images before the first release.
    private const string Unreleased = "0.0.0";

    private static readonly string Guide = DeployFiles.Read("docs/deploy.md");

    // The name of the repository that these tests are in.
    private static readonly string Here = RepositoryOf(DeployFiles.Read("deploy/argocd/roots/prod.yaml"));

    private readonly string folder = Directory.CreateTempSubdirectory("goreliable-fork-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_release_sets_the_tags_of_the_images_that_run(string environment)
    {
        var version = FirstTag.Match(Guide).Groups[1].Value;
        await RenameAsync();

        // The workflow's own script, with a kustomize that only says what it is asked to set.
        var output = await RunAsync(
            $"GITHUB_REPOSITORY=Someone/Shop GITHUB_REPOSITORY_OWNER=Someone GITHUB_REF_NAME=v{version}\n"
                + $"kustomize() {{ echo \"${{@:4}}\"; }}\n{Script("promote", "Set the images")}"
        );

        var images = Node.Parse(Read($"deploy/k8s/overlays/{environment}/kustomization.yaml"))["images"]!.Items;
        Assert.Equal(
            images.Select(image => $"{image["name"]!.Text}={image["newName"]!.Text}:{version}"),
            output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)
        );
        // A tag that is there already makes no pull request. After a release there may be any: the guide says so.
        Assert.True(version != Unreleased, $"Nobody gets a pull request by the guide's first tag, v{version}.");
    }

    [Fact]
    public async Task Argo_CD_takes_everything_of_ours_from_the_fork()
    {
        await RenameAsync();

        Assert.Equal(Fork, RepositoryOf(Read("deploy/argocd/roots/prod.yaml")));
        Assert.All(Directory.GetFiles(Path.Combine(folder, "deploy"), "*.yaml", SearchOption.AllDirectories), file =>
            Assert.DoesNotContain(Here, File.ReadAllText(file))
        );
    }

    [Fact]
    public void Images_are_published_by_the_names_that_are_deployed() =>
        Assert.Contains("repository=${GITHUB_REPOSITORY,,}/$IMAGE", Script("publish", "publish"));

    // The command of the guide, with this repository's name for ours (in a fork, the fork's) and the fork's for the
    // reader's.
    private Task<string> RenameAsync()
    {
        var command = Assert.Single(RenameCommand.Matches(Guide)).Value;
        return RunAsync(
            $"cp -r '{DeployFiles.Path("deploy")}' . && " + command.Replace("you/yours", Fork).Replace(Ours, Here)
        );
    }

    private static string RepositoryOf(string root) =>
        new Uri(KubernetesObjects.Parse(root).Only<ApplicationSpec>().Spec.Source.RepoURL).AbsolutePath[
            1..^".git".Length
        ];

    // Of the step with this name or id.
    private static string Script(string job, string step) =>
        Node.Load(".github/workflows/images.yaml")["jobs", job, "steps"]
            .Items.Single(one => one["name"]?.Text == step || one["id"]?.Text == step)["run"]!.Text!;

    private string Read(string file) => File.ReadAllText(Path.Combine(folder, file));

    private async Task<string> RunAsync(string script)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The commands are for bash on Linux.");
        var (exitCode, output) = await Tool.RunAsync("bash", "part of every system", "-ec", $"cd '{folder}'\n{script}");
        Assert.True(exitCode == 0, output);
        return output;
    }

    [GeneratedRegex("grep -rl goreliable/goreliable deploy .+$", RegexOptions.Multiline)]
    private static partial Regex RenameCommand { get; }

    [GeneratedRegex(@"git tag v(\S+)")]
    private static partial Regex FirstTag { get; }
}
