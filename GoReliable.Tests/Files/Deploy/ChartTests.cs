namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// The values that charts get, held to what the charts' templates do with them. No chart is rendered here.
/// </summary>
public sealed class ChartTests
{
    public static TheoryData<string> Applications =>
        new(
            DeployFiles
                .Find("deploy/argocd/apps", "*.yaml")
                .Where(file => File.ReadAllText(file).Contains("valuesObject:"))
                .Select(DeployFiles.Relative)
        );

    /// <summary>
    /// templates/validate.yaml of loki 18.11.0 refuses the targets of another mode, which have replicas unless told
    /// otherwise.
    /// </summary>
    [Fact]
    public void Loki_has_replicas_only_in_the_mode_that_it_runs_in()
    {
        var values = Values("deploy/argocd/apps/loki.yaml");
        Assert.Equal(("Monolithic", "1"), (values["deploymentMode"]!.Text, values["singleBinary", "replicas"].Text));
        Assert.All(["read", "write", "backend"], target => Assert.Equal("0", values[target]?["replicas"]?.Text));
    }

    /// <summary>The chart makes one up at each rendering, and Argo CD renders often.</summary>
    [Fact]
    public void Grafanas_password_is_in_a_secret_that_the_guide_makes()
    {
        var admin = Values("deploy/argocd/apps/kube-prometheus-stack.yaml")["grafana", "admin"];
        var guide = DeployFiles.Read("docs/deploy.md");
        Assert.Contains($"-n observability create secret generic {admin["existingSecret"]!.Text}", guide);
        Assert.Contains($"--from-literal={admin["userKey"]!.Text}=", guide);
        Assert.Contains($"--from-literal={admin["passwordKey"]!.Text}=", guide);
    }

    /// <summary>A null in <c>valuesObject</c> is gone before Helm could take a default away with it.</summary>
    [Theory, MemberData(nameof(Applications))]
    public void No_value_is_null(string file) => AssertNoNull(file, Values(file));

    private static Node Values(string file) => Node.Load(file)["spec", "source", "helm", "valuesObject"];

    private static void AssertNoNull(string path, Node node)
    {
        foreach (var key in node.Keys)
            AssertNoNull($"{path} {key}", node[key]!);
        Assert.False(node.Text is "" or "null" or "~", $"{path} is null.");
    }
}
