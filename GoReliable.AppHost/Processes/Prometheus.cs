using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

/// <summary>Prometheus as a process of this machine, with the files of <c>deploy/prometheus</c>.</summary>
internal static class Prometheus
{
    /// <summary>Adds Prometheus. Every replica of a service is a target of its own.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="services">
    /// The services to scrape; each gets the port of its metrics in <c>MANAGEMENT_PORT</c>.
    /// </param>
    public static void AddPrometheusProcess(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<ProjectResource>[] services
    )
    {
        var files = ProcessFiles.Of(builder);
        var data = Path.Combine(files.Temporary, "prometheus");
        var prometheus = builder
            .AddExecutable("prometheus", files.Script("prometheus.sh"), files.Temporary, "run")
            .WithHttpEndpoint(isProxied: false, env: "PORT")
            .WithHttpHealthCheck("/-/ready");
        foreach (var (name, value) in files.Variables(prometheus.Resource, keepsData: false))
            prometheus.WithEnvironment(name, value);

        builder.Eventing.Subscribe<BeforeStartEvent>(
            async (_, cancellationToken) =>
            {
                await files.CheckAsync(prometheus.Resource, keepsData: false, cancellationToken);
                CopyConfiguration(Path.Combine(builder.AppHostDirectory, "../deploy/prometheus"), data);
            }
        );
        builder.Eventing.Subscribe<InitializeResourceEvent>(prometheus.Resource, (@event, cancellationToken) =>
        {
            var environment = builder.Environment.EnvironmentName.ToLowerInvariant();
            _ = FollowTargetsAsync(
                [.. services.Select(service => service.Resource)],
                environment,
                $"{data}/targets/goreliable.json",
                @event.Notifications,
                @event.Services.GetRequiredService<ILogger<ProcessFiles>>()
            );
            return Task.CompletedTask;
        });
    }

    private static void CopyConfiguration(string deployed, string data)
    {
        foreach (var directory in new[] { "targets", "rules" })
            Directory.CreateDirectory(Path.Combine(data, directory));
        foreach (
            var file in Directory
                .GetFiles(Path.Combine(deployed, "rules"))
                .Append(Path.Combine(deployed, "prometheus.yml"))
        )
            File.Copy(file, Path.Combine(data, Path.GetRelativePath(deployed, file)));
    }

    // The orchestrator chooses a port for each replica, and the replica's snapshot shows it. A replica that went down
    // stays a target, since that is worth an alert. This loop ends with the application.
    private static async Task FollowTargetsAsync(
        ProjectResource[] services,
        string environment,
        string file,
        ResourceNotificationService notifications,
        ILogger logger
    )
    {
        var isWritten = true;
        var addresses = new SortedDictionary<string, (string Job, string Address)>(StringComparer.Ordinal);
        await foreach (var change in notifications.WatchAsync())
        {
            var port = change
                .Snapshot.EnvironmentVariables.FirstOrDefault(variable => variable.Name == "MANAGEMENT_PORT")
                ?.Value;
            if (
                !services.Contains(change.Resource)
                || change.Snapshot.State?.Text != KnownResourceStates.Running
                || port is null
            )
                continue;

            var found = (change.Resource.Name, $"127.0.0.1:{port}");
            if (isWritten && addresses.TryGetValue(change.ResourceId, out var known) && known == found)
                continue;

            addresses[change.ResourceId] = found;
            var targets = addresses.Values.Select(target => new
            {
                targets = new[] { target.Address },
                labels = new { job = target.Job, environment },
            });
            try
            {
                await File.WriteAllTextAsync($"{file}.next", JsonSerializer.Serialize(targets));
                File.Move($"{file}.next", file, overwrite: true);
                isWritten = true;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                isWritten = false;
                logger.TargetsNotWritten(failure.Message);
            }
        }
    }
}
