using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Containers;
using Aspire.Hosting.Processes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Orchestration;

/// <summary>Starts and stops the application's resources.</summary>
internal sealed class Orchestrator(DistributedApplicationModel model, IConfiguration configuration, LauncherFactory launchers, ProcessServices services) : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(4);

    private readonly List<ResourceProcess> _processes = [];
    private readonly List<IResourceLauncher> _launchers = [];
    private readonly List<Task> _tasks = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _killing = new();
    private readonly SemaphoreSlim _stopGate = new(1, 1);
    private bool _isStopped;
    private bool _isDisposed;

    public IReadOnlyList<ResourceProcess> Processes => _processes;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await services.Eventing.PublishAsync(new BeforeStartEvent(services.Provider, model), cancellationToken);
        foreach (var resource in model.Resources.ToArray())
            Create(resource);

        // All that is wrong is said before anything starts.
        var randomizePorts = configuration.GetValue("DcpPublisher:RandomizePorts", false);
        var problems = ProcessStarter.FindProblems()
            .Concat(_launchers.SelectMany(launcher => launcher.FindProblems()))
            .Concat(_processes.Select(process => process.Resource).Distinct().SelectMany(resource => EndpointAllocator.Allocate(resource, randomizePorts)))
            .ToArray();
        if (problems.Length > 0)
            throw new DistributedApplicationException(string.Join(Environment.NewLine, problems));

        foreach (var parameter in model.Resources.OfType<ParameterResource>())
        {
            await parameter.GetValueAsync(cancellationToken);
            services.Notifications.Update(parameter, parameter.Name, s => s with { State = KnownResourceStates.Running });
        }

        foreach (var resource in model.Resources)
            await AnnounceAsync(resource, cancellationToken);

        // Children first: they follow what their parents do from the start.
        foreach (var child in model.Resources.OfType<IResourceWithParent>().Where(resource => !ResourceNames.HasProcess(resource)))
            _tasks.Add(new ChildResource(child, services).FollowAsync(_stopping.Token));

        foreach (var process in _processes.Where(process => !process.Resource.Annotations.OfType<ExplicitStartupAnnotation>().Any()))
            _tasks.Add(Task.Run(() => process.StartAsync(_stopping.Token), CancellationToken.None));

        await services.Eventing.PublishAsync(new AfterResourcesCreatedEvent(services.Provider, model), cancellationToken);
    }

    /// <summary>Stops everything in reverse order of dependencies; what takes too long is killed.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopGate.WaitAsync(CancellationToken.None);
        try
        {
            if (_isStopped)
                return;

            _isStopped = true;
            await _stopping.CancelAsync();
            _killing.CancelAfter(StopDeadline);
            await StopInOrderAsync().WaitAsync(StopDeadline + Grace, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            // A callback of the AppHost's own does not return. The processes are killed when the application is disposed of.
        }
        finally
        {
            _stopGate.Release();
        }
    }

    /// <summary>Kills everything at once.</summary>
    public void Kill() => _killing.Cancel();

    public async ValueTask DisposeAsync()
    {
        // The container knows it twice, as itself and as a hosted service, and disposes of it as often.
        if (Interlocked.Exchange(ref _isDisposed, true))
            return;

        await StopAsync(CancellationToken.None);
        foreach (var process in _processes)
            process.Dispose();

        foreach (var launcher in _launchers)
            launcher.Dispose();

        _stopping.Dispose();
        _killing.Dispose();
        _stopGate.Dispose();
    }

    private async Task StopInOrderAsync()
    {
        foreach (var group in StopOrder.Of(_processes.Select(process => process.Resource).Distinct()))
            await Task.WhenAll(_processes.Where(process => group.Contains(process.Resource)).Select(StopAsync));

        await Task.WhenAll(_tasks);
    }

    private Task StopAsync(ResourceProcess process) =>
        process.StopAsync(process.Launcher.IsDisposable ? TimeSpan.Zero : process.Resource is ContainerResource ? StopDeadline : Grace, _killing.Token);

    private void Create(IResource resource)
    {
        if (!ResourceNames.HasProcess(resource))
        {
            if (resource is not ParameterResource)
                services.Notifications.Update(resource, resource.Name, s => s with { State = KnownResourceStates.Waiting });

            return;
        }

        if (LocalProgram.WhySkipped(resource) is { } reason)
        {
            services.Notifications.Update(resource, resource.Name, s => s with { State = new ResourceStateSnapshot(KnownResourceStates.NotStarted, reason) });
            return;
        }

        var launcher = launchers.Create(resource);
        _launchers.Add(launcher);
        for (var replica = 0; replica < resource.GetReplicaCount(); replica++)
        {
            var process = new ResourceProcess(resource, replica, launcher, services);
            _processes.Add(process);
            services.Notifications.Update(resource, process.Id, s => s with { State = KnownResourceStates.NotStarted });
        }
    }

    private async Task AnnounceAsync(IResource resource, CancellationToken cancellationToken)
    {
        foreach (var process in _processes.Where(process => process.Resource == resource))
        {
            var endpoints = resource.Annotations.OfType<EndpointAnnotation>();
            services.Notifications.Update(resource, process.Id, s => s with { Urls = [.. endpoints.Select(e => new UrlSnapshot(e.Name, e.AllocatedReplicas[process.Replica].UriString, IsInternal: false))] });
        }

        await services.Eventing.PublishAsync(new ResourceEndpointsAllocatedEvent(resource, services.Provider), cancellationToken);
        if (resource is IResourceWithConnectionString)
            await services.Eventing.PublishAsync(new ConnectionStringAvailableEvent(resource, services.Provider), cancellationToken);
    }
}
