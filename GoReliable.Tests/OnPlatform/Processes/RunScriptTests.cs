using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using GoReliable.Tests.Files.Manifest;

namespace GoReliable.Tests.OnPlatform.Processes;

/// <summary>What <c>./run</c> does before it builds, in a copy of the repository that has nothing to build.</summary>
public sealed class RunScriptTests : IDisposable
{
    // Only its owner may enter it.
    private readonly DirectoryInfo copy = Directory.CreateTempSubdirectory("goreliable-run-");

    private static readonly (string, string) WithoutPrograms = ("PATH", "/no/such/directory");

    public RunScriptTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What other systems lack is taken away here.");
        foreach (var file in Directory.GetFiles(Path.Combine(AppHostRun.Repository, Processes), "*.sh"))
            Copy(Path.Combine(Processes, Path.GetFileName(file)));
        Copy("run");
        Copy(".setup");
    }

    private static string Processes => Path.Combine("GoReliable.AppHost", "Processes");

    public void Dispose() => copy.Delete(recursive: true);

    [Fact]
    public async Task Fresh_removes_data_from_where_it_is_kept_because_nobody_else_may_enter_the_repository()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root keeps data elsewhere.");
        string[] kept = [KeptData("postgres"), KeptData("messaging")];
        try
        {
            foreach (var data in kept)
                Directory.CreateDirectory(data);

            await BashAsync(
                "./run --fresh",
                // Other data of this machine stays.
                ("ASPIRE_CONTAINER_RUNTIME", "none"),
                ("Servers", "containers")
            );

            Assert.DoesNotContain(kept, Directory.Exists);
        }
        finally
        {
            foreach (var data in kept)
                Directory.Delete(Path.GetDirectoryName(data)!, recursive: true);
        }
    }

    [Theory]
    [InlineData("true", "docker\n")]
    [InlineData("false", "")]
    [InlineData("exec /usr/bin/sleep 60", "")]
    public async Task A_container_runtime_is_asked_on_a_machine_without_the_program_timeout(string docker, string found)
    {
        var (_, output) = await BashAsync(
            $"docker() {{ {docker}; }}; sleep() {{ /usr/bin/sleep \"$@\"; }}; source ./.setup; container_runtime",
            WithoutPrograms
        );

        Assert.Equal(found, output);
    }

    [Fact]
    public async Task What_is_missing_is_named_by_a_shell_without_mapfile_on_a_machine_without_apt()
    {
        var (exitCode, output) = await BashAsync(
            "enable -n mapfile; source ./.setup; install_missing_programs",
            WithoutPrograms
        );

        Assert.Equal(1, exitCode);
        Assert.Matches(
            "^No container runtime answers, and without one the platform needs .*prometheus curl, .* "
                + "Install them, or start Docker or Podman\\.\n$",
            output
        );
    }

    // As server.sh names it.
    private string KeptData(string server)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{copy.FullName}/.data/{server}\n"));
        return $"/var/tmp/goreliable-{Convert.ToHexStringLower(hash)[..12]}/{server}";
    }

    private void Copy(string file)
    {
        var target = Path.Combine(copy.FullName, file);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.Copy(Path.Combine(AppHostRun.Repository, file), target);
    }

    private async Task<(int ExitCode, string Output)> BashAsync(
        string script,
        params (string Name, string Value)[] variables
    )
    {
        var start = new ProcessStartInfo("/bin/bash", ["-euo", "pipefail", "-c", $"{script} 2>&1"])
        {
            WorkingDirectory = copy.FullName,
            RedirectStandardOutput = true,
        };
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        using var bash = Process.Start(start)!;
        var output = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (bash.ExitCode, output);
    }
}
