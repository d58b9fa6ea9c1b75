using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Containers;
using Aspire.Hosting.Postgres;
using Aspire.Hosting.Processes;
using Aspire.Hosting.Projects;
using Aspire.Hosting.RabbitMQ;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Orchestration;

/// <summary>Chooses the launcher of a resource.</summary>
internal sealed class LauncherFactory(IConfiguration configuration, DistributedApplicationOptions options, IServiceProvider services)
{
    private readonly string _appHostDirectory = configuration["AppHost:Directory"]!;
    private readonly string _buildConfiguration = options.Assembly?.GetCustomAttribute<AssemblyConfigurationAttribute>()?.Configuration ?? "Debug";

    public IResourceLauncher Create(IResource resource) => resource switch
    {
        ProjectResource project => new ProjectLauncher(project, _buildConfiguration),
        ExecutableResource executable => new ExecutableLauncher(executable),
        PostgresServerResource postgres => new PostgresLauncher(postgres, _appHostDirectory),
        RabbitMQServerResource broker => new RabbitMQLauncher(broker, _appHostDirectory),
        ContainerResource container when LocalProgram.For(container) is { } program => new ContainerLauncher(container, program, _appHostDirectory, services),
        _ => throw new DistributedApplicationException($"Resource '{resource.Name}' is a {resource.GetType().Name}, which this engine cannot run."),
    };
}
