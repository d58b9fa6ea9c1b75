using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace GoReliable.Tests.Platform;

public sealed partial class GoReliablePlatform
{
    /// <summary>Restarts the instances of a service, each when the one before it is healthy again.</summary>
    /// <param name="service">Its name.</param>
    /// <param name="replicas">How many it has.</param>
    public async Task RollAsync(string service, int replicas)
    {
        foreach (var id in (await SeeHealthyAsync(service, replicas)).Keys)
        {
            await CommandReplicaAsync(id, KnownResourceCommands.StopCommand);
            await SeeReplicaAsync(service, change => change.ResourceId == id && KnownResourceStates.TerminalStates.Contains(change.Snapshot.State?.Text));
            await CommandReplicaAsync(id, KnownResourceCommands.StartCommand);
            await SeeReplicaAsync(service, change => change.ResourceId == id && change.Snapshot.State?.Text == KnownResourceStates.Running && change.Snapshot.HealthStatus == HealthStatus.Healthy);
        }
    }

    /// <summary>Ends the process of one instance of a service without a word (SIGKILL). The others go on.</summary>
    public async Task KillReplicaAsync(string service)
    {
        var victim = await SeeReplicaAsync(service, change => Pid(change) is not null);
        Kill(victim);
        await SeeReplicaAsync(service, change => change.ResourceId == victim.ResourceId && KnownResourceStates.TerminalStates.Contains(change.Snapshot.State?.Text));
    }

    /// <summary>Where the instances of a service take requests, past the proxy that Aspire has in front of them.</summary>
    /// <param name="service">Its name.</param>
    /// <param name="replicas">How many it has.</param>
    public async Task<Uri[]> AddressesAsync(string service, int replicas) =>
    [
        .. (await SeeHealthyAsync(service, replicas)).Values
            .Select(instance => new Uri(instance.EnvironmentVariables.Single(variable => variable.Name == "ASPNETCORE_URLS").Value!.Split(';')[0])),
    ];

    private async Task<Dictionary<string, CustomResourceSnapshot>> SeeHealthyAsync(string service, int replicas)
    {
        var healthy = new Dictionary<string, CustomResourceSnapshot>();
        await SeeReplicaAsync(service, change =>
        {
            if (change.Snapshot.HealthStatus == HealthStatus.Healthy)
                healthy[change.ResourceId] = change.Snapshot;
            return healthy.Count == replicas;
        });
        return healthy;
    }

    private async Task CommandReplicaAsync(string id, string command)
    {
        var result = await app.ResourceCommands.ExecuteCommandAsync(id, command, TestContext.Current.CancellationToken);
        Assert.True(result.Success, $"{command} {id}: {result.Message}");
    }

    private async Task<ResourceEvent> SeeReplicaAsync(string service, Func<ResourceEvent, bool> isSo) =>
        await app.ResourceNotifications.WaitForResourceAsync(service, isSo, TestContext.Current.CancellationToken).WaitAsync(StartTimeout, TestContext.Current.CancellationToken);
}
