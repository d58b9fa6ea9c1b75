using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Processes;

/// <summary>The real AppHost as a process of its own, on ports that the orchestrator chooses.</summary>
internal sealed class AppHostProcess : IDisposable
{
    private static readonly string[] DashboardAddresses =
    [
        "ASPNETCORE_URLS",
        "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL",
        "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL",
    ];

    // To look at every process of the machine is work.
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private static readonly string[] Members = ["postgres", "epmd", "beam.smp", "prometheus", "GoReliable.Gate"];

    // Every process that it starts, however far away, inherits this variable.
    private readonly string mark = $"GORELIABLE_TEST={Guid.NewGuid():N}";
    private readonly ConcurrentQueue<string> output = [];
    private Process process = null!;

    /// <summary>All that it wrote.</summary>
    public string Output => string.Join('\n', output);

    /// <param name="byDotnetRun">As F5 and <c>dotnet run</c> start it, or the program itself.</param>
    /// <param name="arguments">Its arguments besides those that keep it apart from others on this machine.</param>
    public static async Task<AppHostProcess> StartAsync(bool byDotnetRun, params string[] arguments)
    {
        string[] program = byDotnetRun
            ?
            [
                "run",
                "--no-build",
                "--no-launch-profile",
                "--project",
                Path.Combine(AppHostRun.Repository, "GoReliable.AppHost"),
                "--",
            ]
            : [AppHostRun.Program];
        string[] apart = ["--KeepData=false", "--DcpPublisher:RandomizePorts=true", .. arguments];
        var appHost = new AppHostProcess();
        appHost.process = await TiedProcess.StartDotnetAsync(
            [.. program, .. apart],
            LaunchVariables().Append(new(appHost.mark.Split('=')[0], appHost.mark.Split('=')[1]))
        );
        appHost.process.OutputDataReceived += appHost.Keep;
        appHost.process.ErrorDataReceived += appHost.Keep;
        appHost.process.BeginOutputReadLine();
        appHost.process.BeginErrorReadLine();
        return appHost;
    }

    /// <summary>What a launch profile over plain http sets, with ports that are free.</summary>
    public static Dictionary<string, string> LaunchVariables() =>
        new(
            DashboardAddresses.Select(name =>
                KeyValuePair.Create(name, $"http://127.0.0.1:{ServiceProcess.FreePort()}")
            )
        )
        {
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
        };

    /// <summary>Every process that belongs to it and lives, itself included: name and id.</summary>
    public IReadOnlyList<(string Name, int Id)> Family() =>
        [
            .. from directory in Directory.GetDirectories("/proc")
            where
                int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out _)
                && Read(directory, "environ").Contains(mark, StringComparison.Ordinal)
            select (
                Read(directory, "comm").Trim(),
                int.Parse(Path.GetFileName(directory), CultureInfo.InvariantCulture)
            ),
        ];

    /// <summary>Waits until everything is up.</summary>
    public async Task UntilUpAsync()
    {
        var missing = await Poll.UntilAsync(
            "servers and services below the AppHost",
            () =>
            {
                var names = Family().Select(member => member.Name).ToList();
                var state = process.HasExited ? $"it ended: {Output}" : string.Join(' ', Members.Except(names));
                return Task.FromResult(state);
            },
            state => state.Length == 0 || process.HasExited,
            TimeSpan.FromMinutes(3),
            Interval
        );
        Assert.Equal("", missing);
    }

    /// <summary>Waits until nothing of it lives.</summary>
    public Task UntilGoneAsync() =>
        Poll.UntilAsync(
            "that no process is left",
            () => Task.FromResult(string.Join(' ', Family())),
            family => family.Length == 0,
            interval: Interval
        );

    /// <summary>Sends a signal to the AppHost itself, not to a <c>dotnet run</c> around it.</summary>
    public async Task SignalAsync(string signal)
    {
        var appHost = Family()
            .Single(member =>
                member.Name.StartsWith("GoReliable.AppH", StringComparison.Ordinal)
                || (
                    member.Id == process.Id
                    && member.Name == "dotnet"
                    && Family().All(other => !other.Name.StartsWith("GoReliable.AppH", StringComparison.Ordinal))
                )
            );
        using var kill = Process.Start("kill", [$"-{signal}", appHost.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Waits for its end.</summary>
    public async Task<int> WaitForExitAsync()
    {
        await process
            .WaitForExitAsync(TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        return process.ExitCode;
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        if (line.Data is { } text)
            output.Enqueue(text);
    }

    private static string Read(string directory, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // Gone, or another user's.
        }
    }
}
