using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Orchestration;

internal static class OrchestrationServices
{
    public static void AddOrchestration(this IServiceCollection services)
    {
        services.AddHealthChecks();
        services.AddSingleton<ResourceLogs>();
        services.AddSingleton(sp => new ResourceNotificationService(sp.GetRequiredService<DistributedApplicationModel>(), sp.GetRequiredService<ResourceLogs>()));
        services.AddSingleton<Failures>();
        services.AddSingleton<DependencyWaiter>();
        services.AddSingleton<HealthMonitor>();
        services.AddSingleton<ProcessServices>();
        services.AddSingleton<LauncherFactory>();
        services.AddSingleton<Orchestrator>();
        services.AddSingleton(sp => new ResourceCommandService(sp.GetRequiredService<Orchestrator>()));
        services.AddHostedService<ResourceLogForwarder>();
        services.AddHostedService(sp => sp.GetRequiredService<Orchestrator>());
    }
}
