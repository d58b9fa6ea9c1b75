using System.Text.RegularExpressions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>The deployment guide: two ways, in steps that can be pasted, in an order that works.</summary>
public sealed partial class GuideTests
{
    private static readonly string Guide = DeployFiles.Read("docs/deploy.md");

    private static readonly string[] Ways = ["## Azure Container Apps with azd", "## Kubernetes with Argo CD"];

    /// <summary>The text of a way, up to the next heading of its rank.</summary>
    public static TheoryData<string> Sections => new(Ways);

    [Fact]
    public void The_guide_describes_two_ways_to_deploy() =>
        Assert.Equal(
            [.. Ways, "## Kubernetes from then on", "## What is checked, and what is not"],
            Heading.Matches(Guide).Select(match => match.Value)
        );

    [Theory, MemberData(nameof(Sections))]
    public void Each_step_is_numbered_and_says_what_it_prints_when_it_worked(string way)
    {
        var section = Section(way);
        var starts = Step.Matches(section);
        Assert.NotEmpty(starts);
        Assert.Equal(
            Enumerable.Range(1, starts.Count),
            starts.Select(match => int.Parse(match.Groups["number"].Value, null))
        );
        Assert.All(starts.Zip(starts.Skip(1).Select(match => match.Index).Append(section.Length)), step =>
        {
            var text = section[step.First.Index..step.Second];
            Assert.Contains("```", text, StringComparison.Ordinal);
            Assert.Contains("It worked:", text, StringComparison.Ordinal);
        });
    }

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

    [Theory]
    [InlineData("registry", "deploy/k8s/base/gateway/serviceaccount.yaml")]
    [InlineData("registry", "deploy/k8s/base/orders/serviceaccount.yaml")]
    [InlineData("registry", "deploy/k8s/base/notifications/serviceaccount.yaml")]
    public void Private_images_are_pulled_with_the_secret_of_the_guide(string secret, string file) =>
        Assert.Equal(secret, Assert.Single(Node.Load(file)["imagePullSecrets"]!.Items)["name"]!.Text);

    [Fact]
    public void Pull_requests_of_the_release_workflow_are_tested()
    {
        Assert.Contains("workflow_dispatch", Node.Load(".github/workflows/ci.yaml")["on"]!.Keys);
        var promote = Node.Load(".github/workflows/images.yaml")["jobs"]!["promote"]!;
        Assert.Equal("write", promote["permissions"]!["actions"]!.Text);
        Assert.Contains(promote["steps"]!.Items, step =>
            step["run"]?.Text?.StartsWith("gh workflow run ci.yaml", StringComparison.Ordinal) == true
        );
    }

    private static string Section(string heading)
    {
        var start = Guide.IndexOf(heading, StringComparison.Ordinal);
        var next = Guide.IndexOf("\n## ", start + heading.Length, StringComparison.Ordinal);
        return Guide[start..next];
    }

    [GeneratedRegex("^## .+$", RegexOptions.Multiline)]
    private static partial Regex Heading { get; }

    [GeneratedRegex(@"^(?<number>\d+)\. ", RegexOptions.Multiline)]
    private static partial Regex Step { get; }
}
