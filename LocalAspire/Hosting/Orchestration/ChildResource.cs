using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Orchestration;

/// <summary>A resource inside another one, such as a database: it runs while its parent is ready.</summary>
internal sealed class ChildResource(IResourceWithParent resource, ProcessServices services)
{
    /// <summary>Follows the parent until cancelled.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        var running = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var checking = Task.CompletedTask;
        var wasReady = false;
        try
        {
            await foreach (var @event in services.Notifications.WatchAsync(cancellationToken))
            {
                if (@event.Resource != resource.Parent)
                    continue;

                // The server may be unhealthy for a moment; what counts is whether it came up since its start.
                var isReady = @event.Snapshot.State?.Text == KnownResourceStates.Running && @event.Snapshot.ReadyEvent is not null;
                if (!isReady)
                    Publish(s => s with { State = @event.Snapshot.State, ReadyEvent = null, HealthReports = HealthMonitor.Unknown(resource) });

                if (isReady == wasReady)
                    continue;

                wasReady = isReady;
                await running.CancelAsync();
                await checking;
                running.Dispose();
                running = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                checking = isReady ? RunAsync(@event.Snapshot.ReadyEvent!, running.Token) : Task.CompletedTask;
            }
        }
        catch (OperationCanceledException)
        {
            // The application stops.
        }
        finally
        {
            await checking;
            running.Dispose();
        }
    }

    private async Task RunAsync(Task parentIsReady, CancellationToken cancellationToken)
    {
        try
        {
            await parentIsReady.WaitAsync(cancellationToken);
            Publish(s => s with { State = KnownResourceStates.Running, ReadyEvent = null, HealthReports = HealthMonitor.Unknown(resource), StartTimeStamp = DateTime.UtcNow });
            await services.Health.RunAsync(resource, resource.Name, 0, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The parent stops.
        }
        catch (Exception e)
        {
            services.Logs.Add(resource.Name, e.Message);
            Publish(s => s with { State = new ResourceStateSnapshot(KnownResourceStates.FailedToStart, e.Message) });
        }
    }

    private void Publish(Func<CustomResourceSnapshot, CustomResourceSnapshot> change) => services.Notifications.Update(resource, resource.Name, change);
}
