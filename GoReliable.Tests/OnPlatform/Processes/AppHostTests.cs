using System.Net;
using System.Net.Sockets;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Processes;

/// <summary>The AppHost leaves nothing behind, and says in a sentence why it does not start.</summary>
public sealed class AppHostTests
{
    private static readonly string[] Services = ["gateway", "orders", "notifications"];

    [Fact]
    public async Task No_process_and_no_file_outlives_an_AppHost_that_is_killed()
    {
        using var appHost = await AppHostProcess.StartAsync(byDotnetRun: true, "--Servers=processes");
        await appHost.UntilUpAsync();
        var files = TemporaryOf(appHost);
        Assert.Single(files);

        await appHost.SignalAsync("KILL");

        await appHost.UntilGoneAsync();
        Assert.False(Directory.Exists(files[0]), files[0]);
    }

    [Fact]
    public async Task Targets_that_Prometheus_could_not_be_given_are_given_later_and_nothing_outlives_the_AppHost()
    {
        using var appHost = await AppHostProcess.StartAsync(byDotnetRun: false, "--Servers=processes", "--Replicas=2");
        var targets = await Poll.UntilAsync(
            "the files of Prometheus",
            () => Task.FromResult($"{Assert.Single(TemporaryOf(appHost))}/prometheus/targets/goreliable.json"),
            file => Directory.Exists(Path.GetDirectoryName(file)),
            TimeSpan.FromMinutes(2)
        );
        // Nobody can write a file where a directory is.
        var inTheWay = Directory.CreateDirectory($"{targets}.next");
        await Poll.UntilAsync(
            "the complaint",
            () => Task.FromResult(appHost.Output),
            output => output.Contains("The targets of Prometheus cannot be written", StringComparison.Ordinal),
            TimeSpan.FromMinutes(2)
        );

        inTheWay.Delete();

        await Poll.UntilAsync(
            "a target for each instance of each service",
            () => Task.FromResult(File.Exists(targets) ? File.ReadAllText(targets) : ""),
            text => Services.All(service => text.Split($"\"{service}\"").Length - 1 == (service == "gateway" ? 1 : 2)),
            TimeSpan.FromMinutes(2)
        );
        await appHost.UntilUpAsync();
        var files = Assert.Single(TemporaryOf(appHost));

        await appHost.SignalAsync("INT");

        await appHost.UntilGoneAsync();
        Assert.False(Directory.Exists(files), files);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task A_taken_port_is_reported_in_one_sentence_with_exit_code_1(string address)
    {
        Assert.SkipUnless(address == "127.0.0.1" || Socket.OSSupportsIPv6, "There is no IPv6 here.");
        using var other = new TcpListener(IPAddress.Parse(address), 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var run = await AppHostRun.RunAsync(
            ["--KeepData=false", "--Observability=false"],
            new Dictionary<string, string>(AppHostProcess.LaunchVariables())
            {
                ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port}",
            }
        );

        Assert.Equal(1, run.ExitCode);
        Assert.Matches(
            "^Port [0-9]+, which is for .*, is taken by another program\\. Is the platform running already\\? "
                + "End that first\\.\n$",
            run.Error
        );
    }

    [Fact]
    public async Task A_wrong_choice_of_servers_is_reported_in_one_sentence_with_exit_code_1()
    {
        var run = await AppHostRun.RunAsync(["--Servers=clouds"], AppHostProcess.LaunchVariables());

        Assert.Equal((1, "Servers is 'containers' or 'processes', not 'clouds'.\n"), (run.ExitCode, run.Error));
    }

    private static string[] TemporaryOf(AppHostProcess appHost)
    {
        var family = appHost.Family();
        return
        [
            .. Directory
                .GetDirectories(Path.GetTempPath(), "goreliable-*")
                .Where(directory =>
                    family.Any(member => directory.Contains($"-{member.Id}-", StringComparison.Ordinal))
                ),
        ];
    }
}
