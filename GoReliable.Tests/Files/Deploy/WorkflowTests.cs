using System.Text.RegularExpressions;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>What GitHub and Azure run is pinned, ends in time, and has no more rights than it needs.</summary>
public sealed partial class WorkflowTests
{
    public static TheoryData<string> Workflows => ["ci.yaml", "images.yaml"];

    [Theory, MemberData(nameof(Workflows))]
    public void A_workflow_may_only_read(string file) =>
        Assert.Equal("read", Load(file)["permissions", "contents"].Text);

    [Theory, MemberData(nameof(Workflows))]
    public void Every_job_has_a_time_limit(string file) =>
        Assert.All(Jobs(file), job => Assert.NotNull(job["timeout-minutes"]));

    [Theory, MemberData(nameof(Workflows))]
    public void Every_action_is_pinned_to_a_commit_and_says_which_version_it_is(string file) =>
        Assert.All(Action.Matches(DeployFiles.Read($".github/workflows/{file}")), action =>
            Assert.Matches(@"@[0-9a-f]{40} # v[\d.]+$", action.Value)
        );

    // It could be a script itself.
    [Theory, MemberData(nameof(Workflows))]
    public void No_script_contains_a_value_of_the_event(string file) =>
        Assert.All(Jobs(file).SelectMany(job => job["steps"]!.Items).Where(step => step["run"] is not null), step =>
            Assert.DoesNotContain("${{", step["run"]!.Text)
        );

    [Fact]
    public void Containers_and_processes_are_tested()
    {
        var servers = Node.Load(".github/workflows/ci.yaml")["jobs", "test", "strategy", "matrix", "servers"];
        Assert.Equal(["containers", "processes"], servers.Items.Select(kind => kind.Text));
    }

    [Fact]
    public void Every_service_becomes_an_image()
    {
        var images = Node.Load(".github/workflows/images.yaml")[
            "jobs",
            "publish",
            "strategy",
            "matrix",
            "include"
        ].Items;
        Assert.All(images, image => Assert.True(Directory.Exists(DeployFiles.Path(image["project"]!.Text!))));
        Assert.Equal(
            Node.Load("deploy/k8s/overlays/prod/kustomization.yaml")["images"]!.Items.Select(image =>
                image["name"]!.Text!.Split('/')[^1]
            ),
            images.Select(image => image["image"]!.Text).Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [InlineData(".github/workflows/images.yaml")]
    [InlineData("bench/compare")]
    public void Services_are_measured_as_they_are_compiled_for_images(string file) =>
        Assert.Contains(
            "--configuration Release --runtime linux-x64 --self-contained false -p:PublishReadyToRun=true",
            LineBreak.Replace(DeployFiles.Read(file), " ").Replace("\"linux-$machine\"", "linux-x64")
        );

    [Fact]
    public void Azd_finds_the_AppHost()
    {
        var project = Node.Load("azure.yaml")["services", "app", "project"].Text!;
        Assert.True(File.Exists(DeployFiles.Path(project)), project);
    }

    private static Node Load(string file) => Node.Load($".github/workflows/{file}");

    private static IEnumerable<Node> Jobs(string file)
    {
        var jobs = Load(file)["jobs"]!;
        return jobs.Keys.Select(job => jobs[job]!);
    }

    [GeneratedRegex("uses: .+")]
    private static partial Regex Action { get; }

    [GeneratedRegex(@"\s+\\\s+")]
    private static partial Regex LineBreak { get; }
}
