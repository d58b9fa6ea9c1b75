using System.Reflection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Testing;

/// <summary>
/// Runs an AppHost's own entry point on a thread and holds it where a test wants to step in:
/// before Build, so that the test can change the builder, and at Run, which the test replaces by StartAsync.
/// </summary>
internal sealed class EntryPoint(Assembly appHost, Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure)
{
    private static readonly AsyncLocal<EntryPoint?> CurrentEntryPoint = new();

    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _mayBuild = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _mayExit = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The entry point whose thread this is; null outside of tests.</summary>
    public static EntryPoint? Current => CurrentEntryPoint.Value;

    public Task<DistributedApplicationBuilder> RunUntilBuildAsync(string[] args, CancellationToken cancellationToken)
    {
        var main = appHost.EntryPoint ?? throw new InvalidOperationException($"Assembly '{appHost.GetName().Name}' has no entry point.");
        new Thread(() => Run(main, args)) { IsBackground = true, Name = $"{appHost.GetName().Name}.EntryPoint" }.Start();
        return _builder.Task.WaitAsync(cancellationToken);
    }

    public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _mayBuild.TrySetResult();
        return _application.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Lets the entry point end.</summary>
    public void Release()
    {
        _mayExit.TrySetResult();
        _mayBuild.TrySetCanceled();
    }

    public void OnConstructing(DistributedApplicationOptions options, HostApplicationBuilderSettings settings) => configure(options, settings);

    public void OnBuilding(DistributedApplicationBuilder builder)
    {
        _builder.TrySetResult(builder);
        _mayBuild.Task.GetAwaiter().GetResult();
    }

    public void OnBuilt(DistributedApplication application) => _application.TrySetResult(application);

    public Task OnRunAsync() => _mayExit.Task;

    private void Run(MethodInfo main, string[] args)
    {
        CurrentEntryPoint.Value = this;
        try
        {
            main.Invoke(null, main.GetParameters().Length == 0 ? [] : [args]);
            Fail(new InvalidOperationException("The AppHost's entry point ended without building the application."));
        }
        catch (TargetInvocationException e)
        {
            Fail(e.InnerException ?? e);
        }
    }

    // Whoever waits for the builder or the application learns why it does not come; later failures are the application's own.
    private void Fail(Exception exception)
    {
        _builder.TrySetException(exception);
        _application.TrySetException(exception);
    }
}
