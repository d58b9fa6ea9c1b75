using System.Text.RegularExpressions;
using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>A fork that follows the guide and releases runs its own images, from its own repository.</summary>
public sealed partial class ForkTests : IDisposable
{
    private const string Fork = "someone/shop";

    // The repository that this one deploys from: in a fork, the fork.
    private static readonly string Repository = new Uri(
        KubernetesObjects
            .Parse(DeployFiles.Read("deploy/argocd/roots/prod.yaml"))
            .Custom<ApplicationSpec>()
            .Single()
            .Spec.Source.RepoURL
    ).AbsolutePath[1..^".git".Length];

    // Not one that this repository deploys now.
    private const string Version = "987.6.5";

    private readonly string folder = Directory.CreateTempSubdirectory("goreliable-fork-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_release_changes_the_tags_of_the_images_that_run_and_nothing_else(string environment)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The workflow's scripts are for bash on Linux.");
        await RunAsync($"cp -r '{DeployFiles.Path("deploy")}' . && {Rename()}");
        var before = await File.ReadAllLinesAsync(KustomizationOf(environment), TestContext.Current.CancellationToken);

        await ReleaseAsync(environment);

        Assert.Equal(
            [
                $"ghcr.io/{Fork}/gateway:{Version}",
                $"ghcr.io/{Fork}/notifications:{Version}",
                $"ghcr.io/{Fork}/orders:{Version}",
            ],
            await ImagesAsync(environment)
        );
        var after = await File.ReadAllLinesAsync(KustomizationOf(environment), TestContext.Current.CancellationToken);
        Assert.Equal(before.Select(line => Tag.Replace(line, Version)), after);
    }

    [Fact]
    public async Task Argo_CD_takes_everything_of_ours_from_the_fork()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The guide's commands are for a shell.");
        await RunAsync($"cp -r '{DeployFiles.Path("deploy")}' . && {Rename()}");

        var texts = Directory
            .GetFiles(Path.Combine(folder, "deploy"), "*.yaml", SearchOption.AllDirectories)
            .Select(File.ReadAllText);
        Assert.DoesNotContain(texts, text => text.Contains(Repository, StringComparison.Ordinal));
        var root = KubernetesObjects.Parse(
            await File.ReadAllTextAsync(
                Path.Combine(folder, "deploy/argocd/roots/prod.yaml"),
                TestContext.Current.CancellationToken
            )
        );
        Assert.Equal(
            $"https://github.com/{Fork}.git",
            Assert.Single(root.Custom<ApplicationSpec>()).Spec.Source.RepoURL
        );
    }

    [Fact]
    public void What_is_published_is_what_is_deployed()
    {
        var publish = Steps("publish").Single(step => step["id"]?.Text == "publish")["run"]!.Text!;
        Assert.Contains("repository=${GITHUB_REPOSITORY,,}/$IMAGE", publish, StringComparison.Ordinal);
        Assert.Contains("ghcr.io/${GITHUB_REPOSITORY,,}/$image:", SetImages(), StringComparison.Ordinal);
    }

    // The command of the guide, with this repository's name for ours and the fork's for the reader's.
    private static string Rename()
    {
        var command = Assert.Single(RenameCommand.Matches(DeployFiles.Read("docs/deploy.md"))).Value;
        return command
            .Replace("you/yours", Fork, StringComparison.Ordinal)
            .Replace("goreliable/goreliable", Repository, StringComparison.Ordinal);
    }

    private string KustomizationOf(string environment) =>
        Path.Combine(folder, "deploy/k8s/overlays", environment, "kustomization.yaml");

    // The workflow's own script, with a kustomize that does what "edit set image" does.
    private async Task ReleaseAsync(string environment)
    {
        await RunAsync(
            $"""
            kustomize() {"{"} echo "${"{"}@:4{"}"}" >> '{folder}/set'; {"}"}
            {SetImages()}
            """,
            ("GITHUB_REPOSITORY", "Someone/Shop"),
            ("GITHUB_REPOSITORY_OWNER", "Someone"),
            ("GITHUB_REF_NAME", $"v{Version}")
        );

        var file = KustomizationOf(environment);
        var text = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        foreach (
            var set in await File.ReadAllLinesAsync(Path.Combine(folder, "set"), TestContext.Current.CancellationToken)
        )
        {
            var parts = set.Split('=', ':');
            text = KustomizeEdit.SetImage(text, parts[0], parts[1], parts[2]);
        }
        await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
    }

    private static string SetImages() =>
        Steps("promote").Single(step => step["name"]?.Text == "Set the images")["run"]!.Text!;

    private static IReadOnlyList<Node> Steps(string job) =>
        Node.Load(".github/workflows/images.yaml")["jobs"]![job]!["steps"]!.Items;

    private async Task RunAsync(string script, params (string Name, string Value)[] variables)
    {
        var assignments = variables.Select(variable => $"{variable.Name}={variable.Value}");
        var (exitCode, output) = await Tool.RunAsync(
            "env",
            "part of every system",
            [.. assignments, "bash", "-ec", $"cd '{folder}'\n{script}"]
        );
        Assert.True(exitCode == 0, output);
    }

    private async Task<string[]> ImagesAsync(string environment)
    {
        var (exitCode, output) = await Tool.RunAsync(
            "kubectl",
            "https://kubernetes.io/docs/tasks/tools/",
            "kustomize",
            Path.Combine(folder, "deploy/k8s/overlays", environment)
        );
        Assert.True(exitCode == 0, output);
        return
        [
            .. KubernetesObjects
                .Parse(output)
                .Of<V1Deployment>()
                .SelectMany(deployment => deployment.Spec.Template.Spec.Containers)
                .Select(container => container.Image)
                .Order(StringComparer.Ordinal),
        ];
    }

    [GeneratedRegex(@"(?<=^  newTag: ).+$")]
    private static partial Regex Tag { get; }

    [GeneratedRegex("grep -rl goreliable/goreliable deploy .+$", RegexOptions.Multiline)]
    private static partial Regex RenameCommand { get; }
}
