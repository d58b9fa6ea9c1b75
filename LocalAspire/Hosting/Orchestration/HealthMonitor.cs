using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Health;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Orchestration;

/// <summary>Runs the health checks of resources while they run: often until healthy, then now and then.</summary>
internal sealed class HealthMonitor(HealthCheckService checks, IDistributedApplicationEventing eventing, ResourceNotificationService notifications, IServiceProvider services)
{
    private static readonly TimeSpan WhileUnhealthy = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan WhileHealthy = TimeSpan.FromSeconds(5);

    /// <summary>The reports of a resource that was not checked yet.</summary>
    public static ImmutableArray<HealthReportSnapshot> Unknown(IResource resource) =>
        [.. Keys(resource).Select(key => new HealthReportSnapshot(key, null, null, null))];

    /// <summary>Checks until cancelled. The first time that all is well, the ready event is published.</summary>
    /// <exception cref="DistributedApplicationException">A check found out that the resource will never be healthy.</exception>
    public async Task RunAsync(IResource resource, string id, int replica, CancellationToken cancellationToken)
    {
        var keys = Keys(resource).ToHashSet();
        CheckedReplica.Index = replica;
        for (var isReady = false; !cancellationToken.IsCancellationRequested;)
        {
            var healthy = true;
            if (keys.Count > 0)
            {
                var report = await checks.CheckHealthAsync(check => keys.Contains(check.Name), cancellationToken);
                healthy = report.Status == HealthStatus.Healthy;
                notifications.Update(resource, id, snapshot => snapshot with { HealthReports = Describe(report) });
                if (report.Entries.Values.Select(entry => entry.Exception).OfType<DistributedApplicationException>().FirstOrDefault() is { } hopeless)
                    throw hopeless;
            }

            if (healthy && !isReady)
            {
                isReady = true;
                var ready = eventing.PublishAsync(new ResourceReadyEvent(resource, services), cancellationToken);
                notifications.Update(resource, id, snapshot => snapshot with { ReadyEvent = ready });
            }

            if (keys.Count == 0)
                return;

            await Task.Delay(healthy ? WhileHealthy : WhileUnhealthy, cancellationToken);
        }
    }

    private static IEnumerable<string> Keys(IResource resource) => resource.Annotations.OfType<HealthCheckAnnotation>().Select(check => check.Key);

    private static ImmutableArray<HealthReportSnapshot> Describe(HealthReport report) =>
        [.. report.Entries.Select(entry => new HealthReportSnapshot(entry.Key, entry.Value.Status, entry.Value.Description, entry.Value.Exception?.Message) { LastRunAt = DateTime.UtcNow })];
}
