using Microsoft.Extensions.DependencyInjection;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Orchestration;

internal static class OrchestrationServices
{
    public static void AddOrchestration(this IServiceCollection services) => services.AddSingleton(_ => new ResourceCommandService());
}
