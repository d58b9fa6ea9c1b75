using System.Net;
using System.Net.Sockets;
using GoReliable.Tests.Files.Manifest;

namespace GoReliable.Tests.OnPlatform.Processes;

/// <summary>The AppHost leaves nothing behind, and says in a sentence why it does not start.</summary>
[Collection(Name)]
public sealed class AppHostTests
{
    /// <summary>Collection of those that only start processes and see what becomes of them.</summary>
    public const string Name = "processes";

    [Theory]
    [InlineData("INT", "postgres", "epmd", "beam.smp", "prometheus", "GoReliable.Gate")]
    [InlineData("KILL", "postgres", "epmd", "beam.smp", "prometheus")] // in the middle of the start
    public async Task No_process_and_no_file_outlives_an_AppHost_that_is_ended(string signal, params string[] running)
    {
        using var appHost = await AppHostProcess.StartAsync("--Servers=processes");
        await appHost.UntilRunningAsync(running);
        var files = Assert.Single(Directory.GetDirectories(Path.GetTempPath(), $"goreliable-{appHost.Id}-*"));

        await appHost.SignalAsync(signal);

        await appHost.UntilGoneAsync();
        Assert.False(Directory.Exists(files), files);
    }

    // Browsers and curl ask localhost's IPv6 address first.
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task A_taken_port_is_reported_in_one_sentence_with_exit_code_1(string address)
    {
        Assert.SkipUnless(address == "127.0.0.1" || Socket.OSSupportsIPv6, "There is no IPv6 here.");
        using var other = new TcpListener(IPAddress.Parse(address), 0);
        other.Start();
        var dashboard = $"http://127.0.0.1:{((IPEndPoint)other.LocalEndpoint).Port}";

        var run = await AppHostRun.RunAsync(
            ["--KeepData=false", "--Observability=false"],
            new Dictionary<string, string>(AppHostProcess.LaunchVariables()) { ["ASPNETCORE_URLS"] = dashboard }
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
}
