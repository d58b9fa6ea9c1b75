using System.Runtime.InteropServices;
using Aspire.Hosting.Orchestration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Console;

/// <summary>Runs the application in a terminal until Ctrl-C: the first stops it in order, the second at once.</summary>
internal static class ConsoleSession
{
    public static async Task RunAsync(DistributedApplication application, CancellationToken cancellationToken)
    {
        var lifetime = application.Services.GetRequiredService<IHostApplicationLifetime>();
        var orchestrator = application.Services.GetRequiredService<Orchestrator>();
        using var output = ActivatorUtilities.CreateInstance<ConsoleOutput>(application.Services);
        using var cancelled = cancellationToken.Register(lifetime.StopApplication);

        var signals = 0;
        void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;
            if (Interlocked.Increment(ref signals) > 1)
            {
                orchestrator.Kill();
                return;
            }

            output.WriteNotice("Stopping; press Ctrl-C again to stop at once.");
            lifetime.StopApplication();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal);

        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var stopping = lifetime.ApplicationStopping.Register(stopped.SetResult);
        await application.StartAsync(CancellationToken.None);
        await stopped.Task;
        output.StopWatching();
        await application.StopAsync(CancellationToken.None);
    }
}
