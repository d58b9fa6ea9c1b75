using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Processes;

namespace Aspire.Hosting.Orchestration;

/// <summary>One replica of a resource: starts its process, watches it, stops it.</summary>
internal sealed class ResourceProcess(IResource resource, int replica, IResourceLauncher launcher, ProcessServices services) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private CancellationTokenSource _running = new();
    private ChildProcess? _process;
    private Task _watching = Task.CompletedTask;

    public IResource Resource => resource;

    public int Replica => replica;

    public IResourceLauncher Launcher => launcher;

    public string Id { get; } = ResourceNames.NewId(resource);

    private bool IsRunning => _process is { Exited.IsCompleted: false };

    /// <summary>Waits for what the resource depends on and starts it. Failure is its state, not an exception.</summary>
    public async Task<bool> StartAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (IsRunning)
                return false;

            // The last words about the process before this one come first.
            await _watching;
            _running = new CancellationTokenSource();
            using var starting = CancellationTokenSource.CreateLinkedTokenSource(_running.Token, cancellationToken);
            await StartCoreAsync(starting.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            Publish(s => s with { State = KnownResourceStates.Exited });
            await launcher.AfterExitAsync();
            return false;
        }
        catch (Exception e)
        {
            // Anything can be wrong with a resource; the others go on.
            Log(e is DistributedApplicationException ? e.Message : e.ToString());
            Publish(s => s with { State = new ResourceStateSnapshot(KnownResourceStates.FailedToStart, FirstLine(e.Message)), StopTimeStamp = DateTime.UtcNow });
            await launcher.AfterExitAsync();
            return false;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Stops the process; kills it after the grace time, or as soon as told to.</summary>
    public async Task<bool> StopAsync(TimeSpan grace, CancellationToken killNow)
    {
        // A start that still waits for others is given up.
        await _running.CancelAsync();
        await _gate.WaitAsync(CancellationToken.None);
        try
        {
            if (_process is not { } process || !IsRunning)
            {
                await _watching;
                return false;
            }

            Publish(s => s with { State = KnownResourceStates.Stopping });
            await process.StopAsync(grace, killNow);
            await _watching;
            return true;
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose()
    {
        _process?.Kill();
        _process?.Dispose();
        _running.Dispose();
        _gate.Dispose();
    }

    private async Task StartCoreAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Publish(s => s with { State = KnownResourceStates.Waiting, ExitCode = null, ReadyEvent = null, HealthReports = HealthMonitor.Unknown(resource), StopTimeStamp = null });
        await services.Waiter.WaitAsync(resource, Log, cancellationToken);
        await services.Eventing.PublishAsync(new BeforeResourceStartedEvent(resource, services.Provider), cancellationToken);

        Publish(s => s with { State = KnownResourceStates.Starting });
        var context = await Configurations.EvaluateAsync(resource, replica, services.Execution, Log, cancellationToken);
        var launch = await launcher.PrepareAsync(context, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        var process = _process = await ChildProcess.StartAsync(launch, Log);

        Publish(s => s with
        {
            State = KnownResourceStates.Running,
            StartTimeStamp = DateTime.UtcNow,
            Properties = [new("executable.pid", process.Id), new("executable.path", launch.Program), new("executable.workDir", launch.WorkingDirectory), new("executable.args", launch.Arguments)],
        });
        _watching = WatchAsync(process, CheckHealthAsync(_running.Token));
    }

    private async Task CheckHealthAsync(CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            await services.Health.RunAsync(resource, Id, replica, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
        catch (DistributedApplicationException e)
        {
            Log(e.Message);
            Publish(s => s with { State = new ResourceStateSnapshot(KnownResourceStates.RuntimeUnhealthy, FirstLine(e.Message)) });
        }
    }

    private async Task WatchAsync(ChildProcess process, Task health)
    {
        var exitCode = await process.Exited;
        var wasStopped = _running.IsCancellationRequested;
        await _running.CancelAsync();
        await health;

        // What it left behind in its session goes with it.
        process.Kill();
        process.Dispose();
        await launcher.AfterExitAsync();
        Publish(s => s with
        {
            State = wasStopped || exitCode != 0 ? KnownResourceStates.Exited : KnownResourceStates.Finished,
            ExitCode = exitCode,
            StopTimeStamp = DateTime.UtcNow,
            ReadyEvent = null,
        });
        _process = null;
        if (!wasStopped)
            services.Failures.Report(resource, Id, exitCode);
    }

    private void Publish(Func<CustomResourceSnapshot, CustomResourceSnapshot> change) => services.Notifications.Update(resource, Id, change);

    private void Log(string line) => services.Logs.Add(Id, line);

    private static string FirstLine(string message) => message.Split('\n')[0].TrimEnd('\r');
}
