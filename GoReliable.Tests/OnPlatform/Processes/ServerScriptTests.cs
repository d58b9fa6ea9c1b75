using System.Diagnostics;
using GoReliable.Tests.Files.Deploy;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Processes;

/// <summary>
/// What the scripts that start PostgreSQL and RabbitMQ say, before a start, about the data that they find.
/// </summary>
[Collection(AppHostTests.Name)]
public sealed class ServerScriptTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("goreliable-script-");

    private string Data => Path.Combine(directory.FullName, "data");

    public void Dispose() => directory.Delete(recursive: true);

    [Theory]
    [InlineData("postgres.sh", "PostgreSQL", "postgresql")]
    [InlineData("rabbitmq.sh", "RabbitMQ", "rabbitmq-server")]
    public async Task A_program_that_is_not_installed_is_named_with_its_package(
        string script,
        string program,
        string package
    )
    {
        // A function of this name, which looks in a directory that is not there instead of the one with the programs.
        const string Find = "BASH_FUNC_find%%=() { command find /no/such/directory \"${@:2}\"; }";

        Assert.Equal(
            (1, $"{program} is not installed. Install it with: apt-get install --no-install-recommends {package}"),
            await RunAsync(script, "check", Find)
        );
    }

    [Theory]
    [InlineData(
        "PG_VERSION",
        @"^The data in {0} was made by PostgreSQL 9; installed is \d+\. "
            + @"Start with \./run --fresh to remove it, or install postgresql-9\.$"
    )]
    [InlineData("letter", @"^The data in {0} is not PostgreSQL's\. Start with \./run --fresh to remove it\.$")]
    public async Task Data_that_PostgreSQL_cannot_read_is_named_and_kept(string file, string sentence)
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, file), "9\n", TestContext.Current.CancellationToken);
        // As root, PostgreSQL's data is another user's.
        if (Environment.IsPrivilegedProcess)
            await ChangeOwnerAsync("postgres");

        var (exitCode, says) = await RunAsync("postgres.sh", "check");

        Assert.Equal(1, exitCode);
        Assert.Matches(sentence.Replace("{0}", Data, StringComparison.Ordinal), says);
        Assert.True(File.Exists(Path.Combine(Data, file)));
    }

    [Theory]
    [InlineData("postgres.sh", "check")]
    [InlineData("rabbitmq.sh", "check")]
    [InlineData("postgres.sh", "remove")]
    [InlineData("rabbitmq.sh", "remove")]
    public async Task Data_serves_one_platform_at_a_time(string script, string verb)
    {
        // .NET locks as flock(1) does: https://learn.microsoft.com/dotnet/api/system.io.fileshare
        await using var other = new FileStream($"{Data}.lock", FileMode.Create, FileAccess.ReadWrite, FileShare.None);

        Assert.Equal(
            (1, $"The data in {Data} is in use: the platform already runs in this folder. Stop it first."),
            await RunAsync(script, verb)
        );
    }

    [Theory]
    [InlineData("postgres.sh")]
    [InlineData("rabbitmq.sh")]
    public async Task Data_of_another_user_is_named_with_what_to_do(string script)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can give a directory away.");
        Directory.CreateDirectory(Data);
        await ChangeOwnerAsync("daemon");

        var (exitCode, says) = await RunAsync(script, "check");

        Assert.Equal(1, exitCode);
        Assert.Matches(
            $"^The data in {Data} belongs to the user daemon, but the server runs as ([a-z]+)\\. "
                + $"Give it back with: chown -R \\1 {Data}$",
            says
        );
    }

    [Theory]
    [InlineData("postgres.sh")]
    [InlineData("rabbitmq.sh")]
    public async Task Data_is_removed_when_that_is_asked_for(string script)
    {
        Directory.CreateDirectory(Data);

        Assert.Equal((0, ""), await RunAsync(script, "remove"));

        Assert.False(Directory.Exists(Data));
    }

    [Fact]
    public async Task PostgreSQL_ends_with_a_script_that_is_killed()
    {
        using var script = Process.Start(
            "env",
            Command(
                "postgres.sh",
                "run",
                $"PORT={ServiceProcess.FreePort()}",
                "POSTGRES_USER=postgres",
                "POSTGRES_PASSWORD=secret"
            )
        );
        var file = Path.Combine(Data, "postmaster.pid");
        var server = await Poll.UntilAsync(
            "a server that is ready",
            () => Task.FromResult(File.Exists(file) ? File.ReadAllLines(file) : []),
            lines => lines.LastOrDefault()?.TrimEnd() == "ready"
        );

        script.Kill();

        await Poll.UntilAsync(
            "the end of the server",
            () => Task.FromResult(Directory.Exists($"/proc/{server[0]}")),
            isThere => !isThere
        );
    }

    private async Task ChangeOwnerAsync(string user) =>
        Assert.Equal((0, ""), await Tool.RunAsync("chown", "part of every system", "--recursive", user, Data));

    private async Task<(int ExitCode, string Says)> RunAsync(string script, string verb, params string[] variables)
    {
        var (exitCode, says) = await Tool.RunAsync("env", "part of every system", Command(script, verb, variables));
        return (exitCode, says.Trim());
    }

    // The arguments of env.
    private string[] Command(string script, string verb, params string[] variables)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Servers run as processes on Linux only.");
        return
        [
            $"DATA={Data}",
            $"TEMPORARY={directory.FullName}",
            $"APPHOST={Environment.ProcessId}",
            .. variables,
            DeployFiles.Path($"GoReliable.AppHost/Processes/{script}"),
            verb,
        ];
    }
}
