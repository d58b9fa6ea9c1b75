using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Aspire.Hosting.Orchestration;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A resource, or one of its replicas, changed.</summary>
public class ResourceEvent(IResource resource, string resourceId, CustomResourceSnapshot snapshot)
{
    /// <summary>The resource.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>The replica: the resource's name and a suffix; without a process of its own, the name.</summary>
    public string ResourceId { get; } = resourceId;

    /// <summary>The new state.</summary>
    public CustomResourceSnapshot Snapshot { get; } = snapshot;
}

/// <summary>Knows the state of all resources and tells those who ask.</summary>
public partial class ResourceNotificationService
{
    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, ResourceEvent> _states = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Channel<ResourceEvent>> _watchers = [];
    private readonly DistributedApplicationModel _model;
    private readonly ResourceLogs _logs;

    internal ResourceNotificationService(DistributedApplicationModel model, ResourceLogs logs)
    {
        _model = model;
        _logs = logs;
    }

    /// <summary>All states of now, and then all changes, until cancelled.</summary>
    public async IAsyncEnumerable<ResourceEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<ResourceEvent>();
        lock (_lock)
        {
            foreach (var state in _states.Values)
                channel.Writer.TryWrite(state);

            _watchers.Add(channel);
        }

        try
        {
            await foreach (var @event in channel.Reader.ReadAllAsync(cancellationToken))
                yield return @event;
        }
        finally
        {
            lock (_lock)
                _watchers.Remove(channel);
        }
    }

    /// <summary>The state of a replica by its id, or of a resource by its name when it has one process only.</summary>
    public bool TryGetCurrentState(string resourceId, [NotNullWhen(true)] out ResourceEvent? resourceEvent)
    {
        if (_states.TryGetValue(resourceId, out resourceEvent))
            return true;

        var named = _states.Values.Where(e => IsNamed(e.Resource, resourceId)).Take(2).ToArray();
        resourceEvent = named.Length == 1 ? named[0] : null;
        return resourceEvent is not null;
    }

    /// <summary>Changes the state of all replicas of a resource.</summary>
    public Task PublishUpdateAsync(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        var ids = _states.Values.Where(e => e.Resource == resource).Select(e => e.ResourceId).ToArray();
        foreach (var id in ids.Length > 0 ? ids : [resource.Name])
            Update(resource, id, stateFactory);

        return Task.CompletedTask;
    }

    /// <summary>Changes the state of one replica.</summary>
    public Task PublishUpdateAsync(IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        Update(resource, resourceId, stateFactory);
        return Task.CompletedTask;
    }

    internal IReadOnlyCollection<ResourceEvent> States => [.. _states.Values.OrderBy(e => _model.Resources.IndexOf(e.Resource)).ThenBy(e => e.ResourceId, StringComparer.Ordinal)];

    internal void Update(IResource resource, string id, Func<CustomResourceSnapshot, CustomResourceSnapshot> change)
    {
        lock (_lock)
        {
            var old = _states.GetValueOrDefault(id)?.Snapshot
                ?? new CustomResourceSnapshot { ResourceType = ResourceNames.TypeOf(resource), Properties = [], CreationTimeStamp = DateTime.UtcNow };
            var changed = change(old);
            if (changed == old)
                return;

            var @event = _states[id] = new ResourceEvent(resource, id, changed);
            foreach (var watcher in _watchers)
                watcher.Writer.TryWrite(@event);
        }
    }

    internal static bool IsReady(CustomResourceSnapshot snapshot) => snapshot.HealthStatus == HealthStatus.Healthy && snapshot.ReadyEvent is not null;

    internal static bool IsUnavailable(CustomResourceSnapshot snapshot) =>
        snapshot.State?.Text is { } state && (KnownResourceStates.TerminalStates.Contains(state) || state == KnownResourceStates.RuntimeUnhealthy);

    /// <summary>The state of every resource, with what is known of those that are not well.</summary>
    internal string Report() => StateReport.Write(States, _logs);

    private static bool IsNamed(IResource resource, string name) => string.Equals(resource.Name, name, StringComparison.OrdinalIgnoreCase);
}
