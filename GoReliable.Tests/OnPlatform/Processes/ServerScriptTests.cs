using System.Diagnostics;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Processes;

/// <summary>
/// What the scripts that start PostgreSQL and RabbitMQ say, before a start, about the data that they find.
/// </summary>
public sealed class ServerScriptTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("goreliable-script-");

    private string Data => Path.Combine(directory.FullName, "data");

    public void Dispose() => directory.Delete(recursive: true);

    [Theory]
    [InlineData("postgres.sh")]
    [InlineData("rabbitmq.sh")]
    public async Task Nothing_is_in_the_way_of_a_first_start(string script) =>
        Assert.Equal((0, ""), await RunAsync(script, "check"));

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
        var find = ("BASH_FUNC_find%%", "() { command find /no/such/directory \"${@:2}\"; }");

        Assert.Equal(
            (1, $"{program} is not installed. Install it with: apt-get install --no-install-recommends {package}"),
            await RunAsync(script, "check", find)
        );
    }

    [Fact]
    public async Task Data_of_another_major_version_is_named_and_kept()
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, "PG_VERSION"), "9\n", TestContext.Current.CancellationToken);

        var (exitCode, says) = await GivenToPostgresAsync("check");

        Assert.Equal(1, exitCode);
        Assert.Matches(
            $@"^The data in {Data} was made by PostgreSQL 9; installed is \d+\. "
                + @"Start with \./run --fresh to remove it, or install postgresql-9\.$",
            says
        );
        Assert.True(File.Exists(Path.Combine(Data, "PG_VERSION")));
    }

    [Fact]
    public async Task A_directory_without_PostgreSQL_data_is_named_and_kept()
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, "letter"), "", TestContext.Current.CancellationToken);

        var (exitCode, says) = await GivenToPostgresAsync("check");

        Assert.Equal(
            (1, $"The data in {Data} is not PostgreSQL's. Start with ./run --fresh to remove it."),
            (exitCode, says)
        );
        Assert.True(File.Exists(Path.Combine(Data, "letter")));
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
            Script(
                "postgres.sh",
                "run",
                ("PORT", $"{ServiceProcess.FreePort()}"),
                ("POSTGRES_USER", "postgres"),
                ("POSTGRES_PASSWORD", "secret")
            )
        )!;
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

    // As root, PostgreSQL's data is another user's.
    private async Task<(int ExitCode, string Says)> GivenToPostgresAsync(string verb)
    {
        if (Environment.IsPrivilegedProcess)
            await ChangeOwnerAsync("postgres");
        return await RunAsync("postgres.sh", verb);
    }

    private async Task ChangeOwnerAsync(string user)
    {
        using var chown = Process.Start("chown", ["--recursive", user, Data]);
        await chown.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, chown.ExitCode);
    }

    private async Task<(int ExitCode, string Says)> RunAsync(
        string script,
        string verb,
        params (string Name, string Value)[] variables
    )
    {
        using var process = Process.Start(Script(script, verb, variables))!;
        var says = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, says.Trim());
    }

    private ProcessStartInfo Script(string script, string verb, params (string Name, string Value)[] variables)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Servers run as processes on Linux only.");
        var start = new ProcessStartInfo(
            Path.Combine(AppHostRun.Repository, "GoReliable.AppHost", "Processes", script),
            [verb]
        )
        {
            RedirectStandardError = true,
            Environment =
            {
                ["DATA"] = Data,
                ["TEMPORARY"] = directory.FullName,
                ["APPHOST"] = $"{Environment.ProcessId}",
            },
        };
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        return start;
    }
}
