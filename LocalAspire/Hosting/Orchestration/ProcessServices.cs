using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;

namespace Aspire.Hosting.Orchestration;

/// <summary>What every process of the application shares.</summary>
internal sealed record ProcessServices(
    IServiceProvider Provider,
    DistributedApplicationExecutionContext Execution,
    IDistributedApplicationEventing Eventing,
    ResourceNotificationService Notifications,
    ResourceLogs Logs,
    DependencyWaiter Waiter,
    HealthMonitor Health,
    Failures Failures);

/// <summary>Tells of processes that ended by themselves.</summary>
internal sealed class Failures
{
    /// <summary>Called with the resource, the id and the exit code.</summary>
    public event Action<IResource, string, int>? Ended;

    public void Report(IResource resource, string id, int exitCode) => Ended?.Invoke(resource, id, exitCode);
}
