using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Containers;

namespace Aspire.Hosting.Orchestration;

/// <summary>Holds a resource back until what it waits for is ready.</summary>
internal sealed class DependencyWaiter(ResourceNotificationService notifications)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <exception cref="DistributedApplicationException">One of them failed.</exception>
    public async Task WaitAsync(IResource resource, Action<string> log, CancellationToken cancellationToken)
    {
        var waits = resource.Annotations.OfType<WaitAnnotation>()
            .Where(wait => wait.Resource is not ParameterResource && LocalProgram.WhySkipped(wait.Resource) is null)
            .ToArray();
        var pending = Task.WhenAll(waits.Select(wait => WaitAsync(resource, wait, cancellationToken)));

        // A wait that takes long says what it waits for.
        while (await Task.WhenAny(pending, Task.Delay(Patience, cancellationToken)) != pending && !cancellationToken.IsCancellationRequested)
            log($"still waits for {string.Join(", ", waits.Select(wait => wait.Resource).Distinct().SelectMany(Unready))}");

        await pending;
    }

    private async Task WaitAsync(IResource resource, WaitAnnotation wait, CancellationToken cancellationToken)
    {
        var stop = wait.WaitBehavior != WaitBehavior.WaitOnResourceUnavailable;
        foreach (var id in notifications.States.Where(s => s.Resource == wait.Resource).Select(s => s.ResourceId))
        {
            var found = await notifications.WaitAsync(id, e => IsSatisfied(wait, e.Snapshot) || (stop && ResourceNotificationService.IsUnavailable(e.Snapshot)), "as a dependency", cancellationToken);
            if (!IsSatisfied(wait, found.Snapshot))
                throw new DistributedApplicationException($"'{resource.Name}' needs '{wait.Resource.Name}', which is {StateReport.Describe(found.Snapshot)}.");

            if (wait.WaitType == WaitType.WaitUntilHealthy)
                await found.Snapshot.ReadyEvent!.WaitAsync(cancellationToken);
        }
    }

    private static bool IsSatisfied(WaitAnnotation wait, CustomResourceSnapshot snapshot) => wait.WaitType switch
    {
        WaitType.WaitUntilHealthy => ResourceNotificationService.IsReady(snapshot),
        WaitType.WaitUntilStarted => snapshot.State?.Text == KnownResourceStates.Running,
        _ => snapshot.ExitCode == wait.ExitCode && KnownResourceStates.TerminalStates.Contains(snapshot.State?.Text),
    };

    private IEnumerable<string> Unready(IResource dependency) => notifications.States
        .Where(s => s.Resource == dependency && !ResourceNotificationService.IsReady(s.Snapshot))
        .Select(s => $"{s.Resource.Name} ({StateReport.Describe(s.Snapshot)})");
}
