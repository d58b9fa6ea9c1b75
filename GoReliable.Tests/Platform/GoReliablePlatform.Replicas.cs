using Aspire.Hosting.ApplicationModel;

namespace GoReliable.Tests.Platform;

public sealed partial class GoReliablePlatform
{
    /// <summary>Ends the process of one instance of a service without a word (SIGKILL). The others go on.</summary>
    public async Task KillReplicaAsync(string service)
    {
        var victim = await WaitForReplicaAsync(service, change => Pid(change) is not null);
        Kill(victim);
        await WaitForReplicaAsync(service, change =>
            change.ResourceId == victim.ResourceId
            && KnownResourceStates.TerminalStates.Contains(change.Snapshot.State?.Text)
        );
    }

    private async Task<ResourceEvent> WaitForReplicaAsync(string service, Func<ResourceEvent, bool> isSo) =>
        await app
            .ResourceNotifications.WaitForResourceAsync(service, isSo, TestContext.Current.CancellationToken)
            .WaitAsync(StartTimeout, TestContext.Current.CancellationToken);
}
