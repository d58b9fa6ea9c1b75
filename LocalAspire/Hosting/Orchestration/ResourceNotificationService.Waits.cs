namespace Aspire.Hosting.ApplicationModel;

public partial class ResourceNotificationService
{
    /// <summary>Waits until a resource is in a state, by default Running.</summary>
    public async Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default) =>
        await WaitForResourceAsync(resourceName, [targetState ?? KnownResourceStates.Running], cancellationToken);

    /// <summary>Waits until a resource is in one of several states and returns which.</summary>
    public async Task<string> WaitForResourceAsync(string resourceName, IEnumerable<string> targetStates, CancellationToken cancellationToken = default)
    {
        var states = targetStates.ToArray();
        var found = await WaitAsync(resourceName, e => states.Contains(e.Snapshot.State?.Text, StringComparer.OrdinalIgnoreCase), $"to be {string.Join(" or ", states)}", cancellationToken);
        return found.Snapshot.State!.Text;
    }

    /// <summary>Waits until the state of a resource satisfies a predicate.</summary>
    public Task<ResourceEvent> WaitForResourceAsync(string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default) =>
        WaitAsync(resourceName, predicate, "to satisfy a condition", cancellationToken);

    /// <summary>Waits until a resource is healthy, and stops waiting when it fails.</summary>
    public Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default) =>
        WaitForResourceHealthyAsync(resourceName, WaitBehavior.StopOnResourceUnavailable, cancellationToken);

    /// <summary>Waits until a resource is healthy.</summary>
    /// <exception cref="DistributedApplicationException">It failed, and the behavior is to stop then; the message has its last log lines.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the message has every resource's state and last log lines.</exception>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, WaitBehavior waitBehavior, CancellationToken cancellationToken = default)
    {
        if (waitBehavior == WaitBehavior.StopOnResourceUnavailable && !_model.Resources.Any(r => IsNamed(r, resourceName)))
            throw new DistributedApplicationException($"There is no resource '{resourceName}' to wait for.");

        var found = await WaitAsync(
            resourceName,
            e => IsReady(e.Snapshot) || (waitBehavior == WaitBehavior.StopOnResourceUnavailable && IsUnavailable(e.Snapshot)),
            "to become healthy", cancellationToken);
        if (!IsReady(found.Snapshot))
            throw new DistributedApplicationException($"Stopped waiting for resource '{resourceName}' to become healthy because it failed.{Environment.NewLine}{Report()}");

        await found.Snapshot.ReadyEvent!.WaitAsync(cancellationToken);
        return found;
    }

    internal async Task<ResourceEvent> WaitAsync(string resourceName, Func<ResourceEvent, bool> predicate, string goal, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var @event in WatchAsync(cancellationToken))
            {
                if ((IsNamed(@event.Resource, resourceName) || @event.ResourceId == resourceName) && predicate(@event))
                    return @event;
            }
        }
        catch (OperationCanceledException e)
        {
            throw new OperationCanceledException($"Gave up waiting for resource '{resourceName}' {goal}.{Environment.NewLine}{Report()}", e, cancellationToken);
        }

        throw new InvalidOperationException("The stream of events ended.");
    }
}
