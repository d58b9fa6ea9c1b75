using System.Security.Cryptography;
using System.Text;
using GoReliable.Tests.Files.Deploy;

namespace GoReliable.Tests.OnPlatform.Processes;

/// <summary>What <c>./run</c> does before it builds, in a copy of the repository that has nothing to build.</summary>
[Collection(AppHostTests.Name)]
public sealed class RunScriptTests : IDisposable
{
    // Only its owner may enter it.
    private readonly DirectoryInfo copy = Directory.CreateTempSubdirectory("goreliable-run-");

    private const string WithoutPrograms = "PATH=/no/such/directory";

    public RunScriptTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What other systems lack is taken away here.");
        const string Processes = "GoReliable.AppHost/Processes";
        copy.CreateSubdirectory(Processes);
        foreach (
            var file in (string[])["run", ".setup", .. DeployFiles.Find(Processes, "*.sh").Select(DeployFiles.Relative)]
        )
            File.Copy(DeployFiles.Path(file), Path.Combine(copy.FullName, file));
    }

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

            // Other data of this machine stays.
            await BashAsync("./run --fresh", "ASPIRE_CONTAINER_RUNTIME=none", "Servers=containers");

            Assert.DoesNotContain(kept, Directory.Exists);
        }
        finally
        {
            foreach (var data in kept)
                Directory.Delete(Path.GetDirectoryName(data)!, recursive: true);
        }
    }

    [Fact]
    public async Task Fresh_removes_the_volumes_of_this_copy_and_no_other()
    {
        await FakeDockerAsync("echo \"$*\" >>removed");

        await FreshAsync();

        Assert.Equal(
            $"volume rm {Volume("postgres")} {Volume("messaging")}\n",
            await File.ReadAllTextAsync(Path.Combine(copy.FullName, "removed"), TestContext.Current.CancellationToken)
        );
    }

    [Fact]
    public async Task Fresh_says_in_one_sentence_that_a_volume_is_in_use()
    {
        await FakeDockerAsync("echo 'Error response from daemon: volume is in use - [0123]' >&2; exit 1");

        var (exitCode, output) = await FreshAsync();

        Assert.Equal(1, exitCode);
        Assert.EndsWith(
            "docker could not remove the data volumes of earlier runs: volume is in use - [0123]. "
                + "Stop the platform first, and containers that use them.\n",
            output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Requests_to_this_machine_go_to_no_proxy()
    {
        var (_, output) = await BashAsync(
            "dotnet() { echo 10.0.0; }; source ./.setup; prepare; bash -c 'echo $no_proxy $NO_PROXY'",
            "Servers=containers",
            "http_proxy=http://proxy.example.com:3128",
            "no_proxy=example.com",
            "NO_PROXY="
        );

        Assert.Equal("example.com,localhost,127.0.0.1,::1 example.com,localhost,127.0.0.1,::1\n", output);
    }

    [Theory]
    [InlineData("true", 1)]
    [InlineData("echo >>GoReliable.AppHost/appsettings.Development.json", 1)]
    [InlineData("touch GoReliable.AppHost/AppHost.cs", 2)]
    [InlineData("touch Directory.Packages.props", 2)]
    [InlineData("rm GoReliable.AppHost/Processes/server.sh", 2)]
    [InlineData("rm .editorconfig", 2)]
    [InlineData("rm GoReliable.Orders/bin/Debug/net10.0/GoReliable.Orders.dll", 2)]
    [InlineData("rm -r packages/aspire.hosting.orchestration.linux-x64", 2)]
    [InlineData("sdk=10.0.1", 2)]
    public async Task What_has_not_changed_since_it_was_built_is_not_built_again(string change, int builds)
    {
        var (_, output) = await BashAsync(
            $$"""
            mkdir -p OtlpReceiver packages/aspire.hosting.orchestration.linux-x64
            touch global.json .editorconfig Directory.Build.props
            for name in GoReliable.{AppHost,Gateway,Orders,Notifications}; do
                mkdir -p $name
                touch $name/$name.csproj $name/appsettings.Development.json
            done
            dotnet() {
                case $1 in
                    --version) echo 10.0.0 ;;
                    --list-sdks) echo '10.0.0 [/sdks]' ;;
                    msbuild) for name in GoReliable.{AppHost,Gateway,Orders,Notifications}; do
                        mkdir -p $name/bin/Debug/net10.0
                        touch $name/bin/Debug/net10.0/$name.dll
                    done ;;
                    /sdks/10.0.0/*/VBCSCompiler.dll) echo "$2" >>ended ;;
                esac
            }
            source ./.setup
            prepare
            build GoReliable.AppHost
            {{change}}
            build GoReliable.AppHost
            cat ended
            """,
            "Servers=containers",
            "NUGET_PACKAGES=packages"
        );

        Assert.Equal(builds, output.Split("Building GoReliable.AppHost …\n").Length - 1);
        Assert.Contains("-shutdown\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("true", "docker\n")]
    [InlineData("false", "")]
    [InlineData("exec /usr/bin/sleep 60", "")] // A tenth of a second is a hundredth here.
    public async Task A_container_runtime_is_asked_on_a_machine_without_the_program_timeout(string docker, string found)
    {
        var (_, output) = await BashAsync(
            $"docker() {{ {docker}; }}; sleep() {{ /usr/bin/sleep 0.01; }}; source ./.setup; container_runtime",
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

    [Fact]
    public async Task What_apt_cannot_install_is_named_with_what_to_do()
    {
        var (exitCode, output) = await BashAsync(
            """
            source ./.setup
            apt-get() { :; }
            sudo() { "$@"; }
            missing_packages() { echo prometheus; }
            apt_install() { echo "E: Temporary failure resolving 'deb.debian.org'"; exit 1; }
            install_missing_programs
            """
        );

        Assert.Equal(1, exitCode);
        Assert.EndsWith(
            "E: Temporary failure resolving 'deb.debian.org'\n"
                + "apt-get could not install prometheus; above is why. Install it in another way, or start Docker or "
                + "Podman, then try again. As root: apt-get install --no-install-recommends prometheus\n",
            output
        );
    }

    // As server.sh names it.
    private string KeptData(string server)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{copy.FullName}/.data/{server}\n"));
        return $"/var/tmp/goreliable-{Convert.ToHexStringLower(hash)[..12]}/{server}";
    }

    // A daemon that answers, with volumes of this copy and of another one.
    private async Task FakeDockerAsync(string remove)
    {
        var docker = Path.Combine(copy.CreateSubdirectory("bin").FullName, "docker");
        await File.WriteAllTextAsync(
            docker,
            $"""
            #!/bin/bash
            case "$1 $2" in
                "volume ls") printf '%s\n' goreliable.apphost-0123456789-postgres-data {Volume("postgres")} \
                    {Volume("messaging")} goreliable.apphost-0123456789-messaging-data ;;
                "volume rm") {remove} ;;
            esac
            """,
            TestContext.Current.CancellationToken
        );
        await BashAsync("chmod u+x bin/docker");
    }

    private Task<(int ExitCode, string Output)> FreshAsync() =>
        BashAsync("PATH=$PWD/bin:$PATH ./run --fresh", "ASPIRE_CONTAINER_RUNTIME=docker", "Servers=containers");

    // As Aspire names it (VolumeNameGenerator).
    private string Volume(string resource)
    {
        var path = Path.Combine(copy.FullName, "GoReliable.AppHost", "GoReliable.AppHost.csproj");
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(path.ToLowerInvariant()));
        return $"goreliable.apphost-{Convert.ToHexStringLower(hash)[..10]}-{resource}-data";
    }

    private Task<(int ExitCode, string Output)> BashAsync(string script, params string[] variables) =>
        Tool.RunAsync(
            "env",
            "part of every system",
            [$"--chdir={copy.FullName}", .. variables, "/bin/bash", "-euo", "pipefail", "-c", $"exec 2>&1; {script}"]
        );
}
