namespace GoReliable.Tests.Files.Deploy;

/// <summary>Only what is on main becomes an image.</summary>
public sealed class ReleaseTests : IDisposable
{
    private static readonly Node Publish = Node.Load(".github/workflows/images.yaml")["jobs", "publish"];

    private readonly string folder = Directory.CreateTempSubdirectory("goreliable-release-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("git checkout -q --detach main~1", 0, "")]
    [InlineData("git checkout -q --detach main && commit --allow-empty -m mine", 1, "v1.2.3 is not on main")]
    public async Task Only_a_tag_on_main_is_released(string checkout, int expected, string message)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The workflow's scripts are for bash on Linux.");
        var check = Publish["steps"]!.Items.Single(step => step["name"]?.Text == "Refuse a tag that is not on main");

        var (exitCode, output) = await Tool.RunAsync(
            "env",
            "part of every system",
            "GITHUB_REF_NAME=v1.2.3",
            "bash",
            "-ec",
            $"""
            cd '{folder}'
            commit() {"{"} git -c user.name=a -c user.email=a@example.com commit -q "$@"; {"}"}
            git init -q -b main
            commit --allow-empty -m one
            commit --allow-empty -m two
            git update-ref refs/remotes/origin/main main
            {checkout}
            {check["run"]!.Text}
            """
        );

        Assert.True(exitCode == expected, output);
        Assert.Contains(message, output);
    }

    [Fact]
    public void The_whole_history_is_there_and_nothing_is_published_before()
    {
        var steps = Publish["steps"]!.Items;
        Assert.Equal("0", steps[0]["with", "fetch-depth"].Text);
        Assert.Equal("Refuse a tag that is not on main", steps[1]["name"]?.Text);
    }
}
