using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using k8s.Models;

namespace GoReliable.Tests.OnPlatform.Deploy;

/// <summary>
/// The process of a container, as a process of this machine: another user, a folder that nobody may write to, the
/// manifest's variables and no others, and a heap no larger than the container's memory.
/// </summary>
internal sealed class DeployedService : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> output = [];
    private readonly Process process;
    private readonly string name;

    private DeployedService(string name, Process process) => (this.name, this.process) = (name, process);

    /// <summary>Starts what a container of a pod starts.</summary>
    /// <param name="folder">The service as it was built.</param>
    /// <param name="service">Its assembly's last name: <c>Orders</c>.</param>
    /// <param name="pod">Says as whom.</param>
    /// <param name="container">Says with which arguments, and how much memory.</param>
    /// <param name="environment">All of its variables.</param>
    public static DeployedService Start(
        string folder,
        string service,
        V1PodSpec pod,
        V1Container container,
        IReadOnlyDictionary<string, string> environment
    )
    {
        string[] command = ["dotnet", Path.Combine(folder, $"GoReliable.{service}.dll"), .. container.Args ?? []];
        // Only root may become somebody else.
        if (Environment.IsPrivilegedProcess)
        {
            var (user, group) = (pod.SecurityContext.RunAsUser, pod.SecurityContext.RunAsGroup);
            var powerless = $"--reuid={user} --regid={group} --clear-groups --no-new-privs --bounding-set=-all";
            command = ["setpriv", .. powerless.Split(' '), "--inh-caps=-all", .. command];
        }
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        // A container's runtime takes it from the image; without one, .NET finds no store of certificates.
        start.Environment["HOME"] = "/home/app";
        start.Environment["DOTNET_RUNNING_IN_CONTAINER"] = "true";
        start.Environment["DOTNET_GCHeapHardLimit"] = container
            .Resources.Limits["memory"]
            .ToInt64()
            .ToString("x", CultureInfo.InvariantCulture);
        foreach (var (variable, value) in environment)
            start.Environment[variable] = value;

        var started = new DeployedService(container.Name, Process.Start(start)!);
        started.process.OutputDataReceived += started.Keep;
        started.process.ErrorDataReceived += started.Keep;
        started.process.BeginOutputReadLine();
        started.process.BeginErrorReadLine();
        return started;
    }

    /// <summary>Waits until it answers its probe.</summary>
    public async Task WaitUntilReadyAsync(int managementPort, string path)
    {
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{managementPort}") };
        await Platform.Poll.UntilAsync(
            $"{name} ready",
            async () =>
                process.HasExited
                || (await client.GetAsync(path, TestContext.Current.CancellationToken)).IsSuccessStatusCode,
            isReady => isReady,
            TimeSpan.FromMinutes(2)
        );
        Assert.False(process.HasExited, $"{this}");
    }

    /// <summary>Asks it to stop, and waits for as long as it is given before it would be killed.</summary>
    public Task<int> StopAsync(TimeSpan grace)
    {
        Process.Start("kill", ["-TERM", $"{process.Id}"]).WaitForExit();
        return WaitForExitAsync(grace);
    }

    /// <summary>Its exit code.</summary>
    public async Task<int> WaitForExitAsync(TimeSpan patience)
    {
        await process
            .WaitForExitAsync(TestContext.Current.CancellationToken)
            .WaitAsync(patience, TestContext.Current.CancellationToken);
        return process.ExitCode;
    }

    public ValueTask DisposeAsync()
    {
        process.Kill();
        process.Dispose();
        return ValueTask.CompletedTask;
    }

    public override string ToString() => $"{name} wrote:\n{string.Join('\n', output)}";

    private void Keep(object sender, DataReceivedEventArgs data)
    {
        if (data.Data is { } line)
            output.Enqueue(line);
    }
}
