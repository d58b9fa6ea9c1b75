using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace GoReliable.Tests.Platform;

/// <summary>Its servers and services: stopped, started, killed and read.</summary>
public sealed partial class GoReliablePlatform
{
    public async Task StopAsync(string resource) =>
        await CommandAsync(resource, KnownResourceCommands.StopCommand, KnownResourceStates.TerminalStates);

    public async Task StartAsync(string resource) =>
        await CommandAsync(resource, KnownResourceCommands.StartCommand, [KnownResourceStates.Running]);

    /// <summary>What a resource has written until now.</summary>
    public async Task<IReadOnlyList<string>> LogAsync(string resource)
    {
        var lines = new List<string>();
        if (app.ResourceNotifications.TryGetCurrentState(resource, out var state))
        {
            await foreach (
                var batch in app.Services.GetRequiredService<ResourceLoggerService>().GetAllAsync(state.ResourceId)
            )
                lines.AddRange(batch.Select(line => line.Content));
        }
        return lines;
    }

    /// <summary>Whether a resource is a process of this machine, and not inside a container.</summary>
    public bool IsProcess(string resource) =>
        app.ResourceNotifications.TryGetCurrentState(resource, out var state) && Pid(state) is not null;

    /// <summary>
    /// The process that a resource is now, without what started it; null where it is none of this machine.
    /// </summary>
    public int? ProcessId(string resource) =>
        app.ResourceNotifications.TryGetCurrentState(resource, out var state) && Pid(state) is { } pid
            ? ServerOf(Convert.ToInt32(pid, CultureInfo.InvariantCulture))
            : null;

    /// <summary>Whether a resource was stopped, killed, or ended by itself.</summary>
    public bool HasEnded(string resource) =>
        app.ResourceNotifications.TryGetCurrentState(resource, out var state)
        && KnownResourceStates.TerminalStates.Contains(state.Snapshot.State?.Text);

    /// <summary>Ends a resource's process without a word (SIGKILL).</summary>
    public async Task KillAsync(string resource)
    {
        var running = await app
            .ResourceNotifications.WaitForResourceAsync(
                resource,
                change => Pid(change) is not null,
                TestContext.Current.CancellationToken
            )
            .WaitAsync(StartTimeout, TestContext.Current.CancellationToken);
        using (
            var process = Process.GetProcessById(ServerOf(Convert.ToInt32(Pid(running), CultureInfo.InvariantCulture)))
        )
            process.Kill();
        await app
            .ResourceNotifications.WaitForResourceAsync(
                resource,
                KnownResourceStates.TerminalStates,
                TestContext.Current.CancellationToken
            )
            .WaitAsync(StartTimeout, TestContext.Current.CancellationToken);
    }

    // A server is the child of its script (which may have started a companion before it).
    private static int ServerOf(int pid)
    {
        var children = File.ReadAllText($"/proc/{pid}/task/{pid}/children")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return children.Length == 0 ? pid : int.Parse(children[^1], CultureInfo.InvariantCulture);
    }

    private static object? Pid(ResourceEvent change) =>
        change.Snapshot.State?.Text == KnownResourceStates.Running
            ? change.Snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value
            : null;

    public Task WaitUntilHealthyAsync(string resource) =>
        app
            .ResourceNotifications.WaitForResourceHealthyAsync(resource, TestContext.Current.CancellationToken)
            .WaitAsync(StartTimeout, TestContext.Current.CancellationToken);

    private async Task CommandAsync(string resource, string command, IReadOnlyList<string> states)
    {
        var model = app.Services.GetRequiredService<DistributedApplicationModel>();
        var result = await app.ResourceCommands.ExecuteCommandAsync(
            model.Resources.Single(r => r.Name == resource),
            command,
            TestContext.Current.CancellationToken
        );
        Assert.True(result.Success, $"{command} {resource}: {result.Message}");
        await app
            .ResourceNotifications.WaitForResourceAsync(resource, states, TestContext.Current.CancellationToken)
            .WaitAsync(StartTimeout, TestContext.Current.CancellationToken);
    }
}
