using System.Text.Json;

/// <summary>Prometheus as a process of this machine, with the files of <c>deploy/prometheus</c>.</summary>
internal static class Prometheus
{
    /// <summary>Adds it. Every replica of a service is a target of its own.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="services">The services to scrape; each gets the port of its metrics in <c>MANAGEMENT_PORT</c>.</param>
    public static void AddPrometheusProcess(this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource>[] services)
    {
        var files = Path.Combine(ProcessFiles.Of(builder).Temporary, "prometheus");
        var prometheus = builder.AddExecutable("prometheus", "prometheus", files)
            .WithHttpEndpoint(isProxied: false)
            .WithHttpHealthCheck("/-/ready")
            .WithArgs($"--config.file={files}/prometheus.yml", $"--storage.tsdb.path={files}/data", "--enable-feature=exemplar-storage", "--log.level=warn");
        var port = prometheus.GetEndpoint("http").Property(EndpointProperty.TargetPort);
        prometheus.WithArgs(context => context.Args.Add(ReferenceExpression.Create($"--web.listen-address=127.0.0.1:{port}")));

        builder.Eventing.Subscribe<BeforeStartEvent>((_, _) =>
        {
            Prepare(Path.Combine(builder.AppHostDirectory, "../deploy/prometheus"), files);
            return Task.CompletedTask;
        });
        builder.Eventing.Subscribe<InitializeResourceEvent>(prometheus.Resource, (@event, cancellationToken) =>
        {
            var environment = builder.Environment.EnvironmentName.ToLowerInvariant();
            _ = FollowTargetsAsync([.. services.Select(service => service.Resource)], environment, $"{files}/targets/goreliable.json", @event.Notifications);
            return Task.CompletedTask;
        });
    }

    private static void Prepare(string deployed, string files)
    {
        if (!(Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(directory => File.Exists(Path.Combine(directory, "prometheus"))))
        {
            throw new DistributedApplicationException(
                "Prometheus is not installed. Install it with: apt-get install --no-install-recommends prometheus. Or do without: --Observability=false");
        }

        foreach (var directory in new[] { "targets", "rules" })
            Directory.CreateDirectory(Path.Combine(files, directory));
        foreach (var file in Directory.GetFiles(Path.Combine(deployed, "rules")).Append(Path.Combine(deployed, "prometheus.yml")))
            File.Copy(file, Path.Combine(files, Path.GetRelativePath(deployed, file)));
    }

    // The orchestrator chooses a port for each replica, and its snapshot has it. A replica that went down stays a target: that is
    // worth an alert. Ends with the application.
    private static async Task FollowTargetsAsync(ProjectResource[] services, string environment, string file, ResourceNotificationService notifications)
    {
        var addresses = new SortedDictionary<string, (string Job, string Address)>(StringComparer.Ordinal);
        await foreach (var change in notifications.WatchAsync())
        {
            var port = change.Snapshot.EnvironmentVariables.FirstOrDefault(variable => variable.Name == "MANAGEMENT_PORT")?.Value;
            if (!services.Contains(change.Resource) || change.Snapshot.State?.Text != KnownResourceStates.Running || port is null)
                continue;

            var found = (change.Resource.Name, $"127.0.0.1:{port}");
            if (addresses.TryGetValue(change.ResourceId, out var known) && known == found)
                continue;

            addresses[change.ResourceId] = found;
            var targets = addresses.Values.Select(target => new { targets = new[] { target.Address }, labels = new { job = target.Job, environment } });
            await File.WriteAllTextAsync($"{file}.next", JsonSerializer.Serialize(targets));
            File.Move($"{file}.next", file, overwrite: true);
        }
    }
}
