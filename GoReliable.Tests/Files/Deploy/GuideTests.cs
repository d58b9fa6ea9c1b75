namespace GoReliable.Tests.Files.Deploy;

/// <summary>The deployment guide: steps in an order that works, and what they rely on.</summary>
public sealed class GuideTests
{
    private static readonly string Guide = DeployFiles.Read("docs/deploy.md");

    /// <summary>
    /// The store for secrets is of a type that the root's applications bring; what needs it is tried again until then.
    /// </summary>
    [Fact]
    public void A_step_needs_only_what_earlier_steps_made()
    {
        string[] order =
        [
            "git push origin main v",
            "create secret docker-registry registry",
            "patch configmap argocd-cm",
            "create secret generic grafana-admin",
            "kubectl apply -f deploy/argocd/roots/ENV.yaml",
            "wait application/external-secrets",
            "kubectl apply -f secret-store.yaml",
            "wait application/goreliable",
        ];
        var places = order.Select(command => Guide.IndexOf(command, StringComparison.Ordinal)).ToArray();
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
    }

    [Fact]
    public void Private_images_are_pulled_with_the_secret_of_the_guide() => Assert.All(Overlay.Services, service =>
        {
            var account = Node.Load($"deploy/k8s/base/{service}/serviceaccount.yaml");
            Assert.Equal("registry", Assert.Single(account["imagePullSecrets"]!.Items)["name"]!.Text);
        });

    [Fact]
    public void Pull_requests_of_the_release_workflow_are_tested()
    {
        Assert.Contains("workflow_dispatch", Node.Load(".github/workflows/ci.yaml")["on"]!.Keys);
        var promote = Node.Load(".github/workflows/images.yaml")["jobs", "promote"];
        Assert.Equal("write", promote["permissions", "actions"].Text);
        Assert.Contains(promote["steps"]!.Items, step =>
            step["run"]?.Text?.StartsWith("gh workflow run ci.yaml", StringComparison.Ordinal) == true
        );
    }
}
