using System.Text.RegularExpressions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>Every rendered image has a version, and every image override matches an image.</summary>
public sealed partial class ImageTests
{
    /// <summary>
    /// The images of a remote kustomization at this revision. When you change the revision, update this list: an
    /// override that matches no image is silently ignored.
    /// </summary>
    private static readonly Dictionary<(string Repository, string Path, string Revision), string[]> Remote = new()
    {
        [("https://github.com/rabbitmq/cluster-operator", "config/installation", "v2.22.3")] =
        [
            "ghcr.io/rabbitmq/cluster-operator:latest",
        ],
    };

    public static TheoryData<string> Kustomizations =>
        new(
            DeployFiles
                .Find("deploy", "kustomization.yaml")
                .Select(file => Path.GetDirectoryName(DeployFiles.Relative(file))!)
        );

    public static TheoryData<string> Environments => ["dev", "prod"];

    [Theory, MemberData(nameof(Kustomizations))]
    public async Task Each_rendered_image_has_a_version(string folder)
    {
        var (exitCode, output) = await Tool.RunAsync(
            "kubectl",
            "https://kubernetes.io/docs/tasks/tools/",
            "kustomize",
            DeployFiles.Path(folder)
        );
        Assert.True(exitCode == 0, output);
        AssertVersions(Image.Matches(output).Select(match => match.Groups["image"].Value));
    }

    [Theory, MemberData(nameof(Kustomizations))]
    public void Each_override_matches_an_image_of_the_bases(string folder)
    {
        var overridden = Node.Load($"{folder}/kustomization.yaml")["images"]
            ?.Items.Select(image => image["name"]!.Text!)
            ?? [];
        var written = DeployFiles
            .Find("deploy/k8s/base", "*.yaml")
            .SelectMany(file => Image.Matches(File.ReadAllText(file)))
            .Select(match => NameOf(match.Groups["image"].Value));
        Assert.Empty(overridden.Except(written));
    }

    [Theory, MemberData(nameof(Environments))]
    public async Task Each_override_of_a_foreign_image_matches_and_each_image_has_a_version(string environment)
    {
        foreach (
            var application in (
                await KubernetesObjects.BuildAsync($"deploy/argocd/environments/{environment}")
            ).Custom<ApplicationSpec>()
        )
        {
            var source = application.Spec.Source;
            if (source.Kustomize is null)
                continue;
            Assert.True(
                Remote.TryGetValue((source.RepoURL, source.Path!, source.TargetRevision), out var images),
                $"Which images has {source.RepoURL} {source.Path} {source.TargetRevision}?"
            );

            // "name:tag", or "name=new:tag"
            var overrides = source.Kustomize.Images.ToDictionary(
                entry => NameOf(entry.Split('=')[0]),
                entry => entry.Split('=')[^1]
            );
            Assert.Empty(overrides.Keys.Except(images.Select(NameOf)));
            AssertVersions(images.Select(image => overrides.GetValueOrDefault(NameOf(image), image)));
        }
    }

    [Fact]
    public void Foreign_kustomizations_are_known() =>
        Assert.All(
            DeployFiles
                .Find("deploy", "kustomization.yaml")
                .SelectMany(file => Node.Load(DeployFiles.Relative(file))["resources"]?.Items ?? []),
            resource => Assert.DoesNotContain("://", resource.Text, StringComparison.Ordinal)
        );

    private static void AssertVersions(IEnumerable<string> images) =>
        Assert.All(images, image =>
            Assert.Matches(@"^[a-z0-9./-]+(:[0-9]+)?[a-z0-9./-]*(:v?\d[\w.-]*|@sha256:[0-9a-f]{64})$", image)
        );

    private static string NameOf(string image) => Version.Replace(image, "");

    [GeneratedRegex(
        @"^\s*(- )?(image|imageName):\s*""?(?<image>[^\s""]+)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Image { get; }

    [GeneratedRegex("(@sha256:.+|:[^:/]+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Version { get; }
}
