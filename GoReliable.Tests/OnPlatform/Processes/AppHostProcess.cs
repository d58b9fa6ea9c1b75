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

    private readonly Process process;
    private readonly string mark;
    private readonly Task<string[]> output;

    private AppHostProcess(Process process, string mark)
    {
        (this.process, this.mark) = (process, mark);
        output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
    }

    public int Id => process.Id;

    /// <param name="arguments">Its arguments besides those that keep it apart from others on this machine.</param>
    public static async Task<AppHostProcess> StartAsync(params string[] arguments)
    {
        // Every process that it starts, however far away, inherits this variable.
        var mark = $"{Guid.NewGuid():N}";
        return new(
            await TiedProcess.StartDotnetAsync(
                [AppHostRun.Program, "--KeepData=false", "--DcpPublisher:RandomizePorts=true", .. arguments],
                LaunchVariables().Append(new("GORELIABLE_TEST", mark))
            ),
            $"GORELIABLE_TEST={mark}"
        );
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

    /// <summary>Waits until processes with these names belong to it.</summary>
    public async Task UntilRunningAsync(string[] names)
    {
        var missing = await Poll.UntilAsync(
            "servers and services below the AppHost",
            async () =>
                process.HasExited
                    ? $"it ended: {string.Join('\n', await output.WaitAsync(Interval))}"
                    : string.Join(' ', names.Except(Family())),
            missing => missing.Length == 0 || process.HasExited,
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

    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    // The names of all processes that belong to it and live, itself included.
    private IEnumerable<string> Family() =>
        from directory in Directory.GetDirectories("/proc")
        where
            int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out _)
            && Read(directory, "environ").Contains(mark, StringComparison.Ordinal)
        select Read(directory, "comm").Trim();

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
