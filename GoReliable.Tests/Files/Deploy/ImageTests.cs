using System.Text.RegularExpressions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>Every image has a registry and a version.</summary>
public sealed partial class ImageTests
{
    // An override that matches no image leaves the image of the base, which is in no registry.
    [Theory]
    [InlineData("deploy/k8s/overlays/dev")]
    [InlineData("deploy/k8s/overlays/prod")]
    [InlineData("deploy/k8s/observability")]
    public async Task Each_rendered_image_is_pinned(string folder)
    {
        var images = Image.Matches((await KubernetesObjects.BuildAsync(folder)).Text);

        Assert.NotEmpty(images);
        Assert.All(images, image =>
            Assert.Matches(
                @"^[a-z0-9.-]+\.[a-z]+/[a-z0-9./-]+:\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$",
                image.Groups["image"].Value
            )
        );
    }

    [Fact]
    public void No_kustomization_loads_from_another_host() =>
        Assert.All(DeployFiles.Find("deploy", "kustomization.yaml"), file =>
            Assert.All(Node.Load(file)["resources"]?.Items ?? [], resource =>
                Assert.DoesNotContain("://", resource.Text)
            )
        );

    /// <summary>
    /// Its kustomization at this revision has this image as <c>latest</c>. When you change the revision, look again: an
    /// override that matches no image is silently ignored.
    /// </summary>
    [Fact]
    public async Task The_operator_of_RabbitMQ_has_the_version_of_its_kustomization()
    {
        var source = Assert
            .Single(
                (await KubernetesObjects.BuildAsync("deploy/argocd/environments/prod")).Custom<ApplicationSpec>(),
                application => application.Spec.Source.Kustomize is not null
            )
            .Spec.Source;

        Assert.Equal("https://github.com/rabbitmq/cluster-operator", source.RepoURL);
        Assert.Equal([$"ghcr.io/rabbitmq/cluster-operator:{source.TargetRevision[1..]}"], source.Kustomize!.Images);
    }

    [GeneratedRegex(
        @"^\s*(- )?(image|imageName): *""?(?<image>[^\s""]+)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Image { get; }
}
