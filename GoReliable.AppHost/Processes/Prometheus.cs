using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

/// <summary>Prometheus as a process of this machine, with the files of <c>deploy/prometheus</c>.</summary>
internal static class Prometheus
{
    /// <summary>
    /// Adds Prometheus. Every replica of a service, which gets the port of its metrics in <c>MANAGEMENT_PORT</c>, is a
    /// target of its own.
    /// </summary>
    public static void AddPrometheusProcess(
        this IDistributedApplicationBuilder builder,
        ProcessFiles files,
        IResourceBuilder<ProjectResource>[] services
    )
    {
        var data = Path.Combine(files.Temporary, "prometheus");
        var prometheus = builder
            .AddExecutable("prometheus", files.Script("prometheus.sh"), files.Temporary, "run")
            .WithHttpEndpoint(isProxied: false, env: "PORT")
            .WithHttpHealthCheck("/-/ready");
        foreach (var (name, value) in files.Variables(prometheus.Resource))
            prometheus.WithEnvironment(name, value);

        builder.Eventing.Subscribe<BeforeStartEvent>(
            async (_, cancellationToken) =>
            {
                await files.CheckAsync(prometheus.Resource, cancellationToken);
                CopyConfiguration(Path.Combine(builder.AppHostDirectory, "../deploy/prometheus"), data);
            }
        );
        builder.Eventing.Subscribe<InitializeResourceEvent>(prometheus.Resource, (@event, cancellationToken) =>
        {
            _ = FollowTargetsAsync(
                builder,
                services,
                $"{data}/targets/goreliable.json",
                @event.Notifications,
                @event.Services.GetRequiredService<ILogger<ProcessFiles>>()
            );
            return Task.CompletedTask;
        });
    }

    private static void CopyConfiguration(string deployed, string data)
    {
        Directory.CreateDirectory(Path.Combine(data, "targets"));
        Directory.CreateDirectory(Path.Combine(data, "rules"));
        File.Copy(Path.Combine(deployed, "prometheus.yml"), Path.Combine(data, "prometheus.yml"));
        foreach (var rules in Directory.GetFiles(Path.Combine(deployed, "rules")))
            File.Copy(rules, Path.Combine(data, "rules", Path.GetFileName(rules)));
    }

    // The orchestrator chooses a port for each replica, and the replica's snapshot shows it. A replica that went down
    // stays a target, since that is worth an alert. This loop ends with the application.
    private static async Task FollowTargetsAsync(
        IDistributedApplicationBuilder builder,
        IResourceBuilder<ProjectResource>[] services,
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
                services.All(service => service.Resource != change.Resource)
                || change.Snapshot.State?.Text != KnownResourceStates.Running
                || port is null
            )
                continue;

            var found = (change.Resource.Name, $"127.0.0.1:{port}");
            if (isWritten && addresses.TryGetValue(change.ResourceId, out var known) && known == found)
                continue;

            addresses[change.ResourceId] = found;
            try
            {
                await File.WriteAllTextAsync($"{file}.next", builder.Targets(addresses.Values));
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
