using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

/// <summary>
/// What watches the platform on a developer's machine, with the files of <c>deploy/</c>: Prometheus scrapes the
/// services, the Collector passes their traces and logs on to Tempo, Loki and the Aspire dashboard, Grafana shows it
/// all. In a cluster Argo CD brings these (deploy/argocd/apps), so the manifest knows nothing of them.
/// </summary>
internal static class Observability
{
    private const string Management = "management";

    /// <summary>
    /// Adds them when the application runs, unless the configuration says <c>Observability=false</c>. Grafana, Tempo,
    /// Loki and the Collector exist only as containers. Each service has an endpoint <c>management</c> with
    /// <c>/metrics</c>.
    /// </summary>
    public static void AddObservability(
        this IDistributedApplicationBuilder builder,
        Servers servers,
        params IResourceBuilder<ProjectResource>[] services
    )
    {
        if (!builder.ExecutionContext.IsRunMode || !builder.Configuration.GetValue("Observability", true))
            return;

        if (servers.Files is { } files)
            builder.AddPrometheusProcess(files, services);
        else
            builder.AddContainers(services);
    }

    private static void AddContainers(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<ProjectResource>[] services
    )
    {
        var tempo = builder
            .AddContainer("tempo", "docker.io/grafana/tempo", "2.9.0")
            .WithHttpEndpoint(targetPort: 3200)
            .WithHttpEndpoint(targetPort: 4317, name: "otlp")
            .WithHttpHealthCheck("/ready")
            .WithContainerFiles("/etc", "../deploy/tempo")
            .WithArgs("-config.file=/etc/tempo.yaml");

        var loki = builder
            .AddContainer("loki", "docker.io/grafana/loki", "3.6.3")
            .WithHttpEndpoint(targetPort: 3100)
            .WithHttpHealthCheck("/ready")
            .WithContainerFiles("/etc/loki", "../deploy/loki")
            .WithArgs("-config.file=/etc/loki/loki.yaml");

        var collector = builder
            .AddCollector()
            .WithEnvironment(
                "TEMPO_OTLP_ENDPOINT",
                $"{tempo.GetEndpoint("otlp").Property(EndpointProperty.HostAndPort)}"
            )
            .WithEnvironment("LOKI_OTLP_ENDPOINT", $"{loki.GetEndpoint("http")}/otlp");

        var prometheus = builder.AddPrometheus(services, collector);
        collector.WithEnvironment("PROMETHEUS_REMOTE_WRITE_URL", $"{prometheus.GetEndpoint("http")}/api/v1/write");

        foreach (var service in services)
            service.SendTelemetryTo(collector);
        if (services.Any(service => service.Resource.GetReplicaCount() > 1))
            builder.Eventing.Subscribe<BeforeStartEvent>(
                (@event, _) =>
                {
                    @event.Services.GetRequiredService<ILogger<Servers>>().ReplicasShareATarget();
                    return Task.CompletedTask;
                }
            );

        builder
            .AddContainer("grafana", "docker.io/grafana/grafana", "12.4.0")
            .WithHttpEndpoint(targetPort: 3000)
            .WithHttpHealthCheck("/api/health")
            .WithContainerFiles("/etc/grafana/provisioning", "../deploy/grafana/provisioning")
            .WithContainerFiles(
                "/var/lib/grafana",
                [new ContainerDirectory { Name = "dashboards", Entries = builder.Deployed("grafana/dashboards") }]
            )
            .WithEnvironment("PROMETHEUS_URL", prometheus.GetEndpoint("http"))
            .WithEnvironment("TEMPO_URL", tempo.GetEndpoint("http"))
            .WithEnvironment("LOKI_URL", loki.GetEndpoint("http"))
            .WithEnvironment("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", "/var/lib/grafana/dashboards/overview.json")
            // No login: only this machine can reach it.
            .WithEnvironment("GF_AUTH_ANONYMOUS_ENABLED", "true")
            .WithEnvironment("GF_AUTH_ANONYMOUS_ORG_ROLE", "Admin")
            .WithEnvironment("GF_AUTH_DISABLE_LOGIN_FORM", "true");
    }

    private static IResourceBuilder<ContainerResource> AddCollector(this IDistributedApplicationBuilder builder)
    {
        var dashboardHasTls = builder
            .Configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"]
            ?.StartsWith("https:", StringComparison.OrdinalIgnoreCase) ?? false;
        return builder
            .AddContainer("otel-collector", "docker.io/otel/opentelemetry-collector-contrib", "0.161.0")
            .WithHttpEndpoint(targetPort: 4317, name: "otlp")
            .WithHttpEndpoint(targetPort: 8888, name: Management)
            .WithHttpEndpoint(targetPort: 13133, name: "health")
            .WithHttpHealthCheck("/", endpointName: "health")
            .WithContainerFiles("/etc/otelcol-contrib", "../deploy/otel-collector")
            .WithArgs("--config=/etc/otelcol-contrib/config.yaml", "--config=/etc/otelcol-contrib/local.yaml")
            // For its queues: the image holds only the program, and the program's user may write nowhere.
            .WithContainerRuntimeArgs("--tmpfs", "/var/lib/otelcol")
            // Aspire says in the standard variables where its dashboard is; local.yaml reads it by these names.
            .WithOtlpExporter(OtlpProtocol.Grpc)
            .WithEnvironment(context =>
                context.EnvironmentVariables["ASPIRE_OTLP_ENDPOINT"] = context.EnvironmentVariables[
                    "OTEL_EXPORTER_OTLP_ENDPOINT"
                ]
            )
            .WithEnvironment("ASPIRE_OTLP_API_KEY", builder.Configuration["AppHost:OtlpApiKey"])
            .WithEnvironment("ASPIRE_OTLP_INSECURE", dashboardHasTls ? "false" : "true");
    }

    private static IResourceBuilder<ContainerResource> AddPrometheus(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<ProjectResource>[] services,
        IResourceBuilder<ContainerResource> collector
    )
    {
        EndpointReference[] endpoints =
        [
            .. services.Select(service => service.GetEndpoint(Management)),
            collector.GetEndpoint(Management),
        ];
        var prometheus = builder
            .AddContainer("prometheus", "docker.io/prom/prometheus", "v3.5.0")
            .WithHttpEndpoint(targetPort: 9090)
            .WithHttpHealthCheck("/-/ready")
            .WithArgs(
                "--config.file=/etc/prometheus/prometheus.yml",
                "--storage.tsdb.path=/prometheus",
                "--enable-feature=exemplar-storage",
                "--web.enable-remote-write-receiver",
                "--log.level=warn"
            )
            .WithContainerFiles("/etc/prometheus", async (context, cancellationToken) =>
                [
                    .. builder.Deployed("prometheus/prometheus.yml"),
                    new ContainerDirectory { Name = "rules", Entries = builder.Deployed("prometheus/rules") },
                    new ContainerDirectory
                    {
                        Name = "targets",
                        Entries =
                        [
                            new ContainerFile
                            {
                                Name = "goreliable.json",
                                Contents = await builder.FindTargetsAsync(context.Model, endpoints, cancellationToken),
                            },
                        ],
                    },
                ]
            );

        // So that the orchestrator makes the services reachable from this container.
        foreach (var service in services)
            prometheus.WithReference(service.GetEndpoint(Management));

        return prometheus;
    }

    /// <summary>
    /// What Prometheus is to scrape, with addresses that it can reach from its container. A service is one target,
    /// however many replicas it has.
    /// </summary>
    private static async Task<string> FindTargetsAsync(
        this IDistributedApplicationBuilder builder,
        IResource prometheus,
        IEnumerable<EndpointReference> endpoints,
        CancellationToken cancellationToken
    )
    {
        var caller = new ValueProviderContext { ExecutionContext = builder.ExecutionContext, Caller = prometheus };
        var targets = new List<(string Job, string Address)>();
        foreach (var endpoint in endpoints)
        {
            var url = new Uri((await endpoint.GetValueAsync(caller, cancellationToken))!);
            targets.Add((endpoint.Resource.Name, url.Authority));
        }

        return builder.Targets(targets);
    }

    /// <summary>The file in which Prometheus reads what it is to scrape.</summary>
    public static string Targets(
        this IDistributedApplicationBuilder builder,
        IEnumerable<(string Job, string Address)> targets
    )
    {
        var environment = builder.Environment.EnvironmentName.ToLowerInvariant();
        return JsonSerializer.Serialize(
            targets.Select(target => new
            {
                targets = new[] { target.Address },
                labels = new { job = target.Job, environment },
            })
        );
    }

    private static void SendTelemetryTo(
        this IResourceBuilder<ProjectResource> service,
        IResourceBuilder<ContainerResource> collector
    ) =>
        service
            .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", collector.GetEndpoint("otlp"))
            .WithEnvironment("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");

    private static IEnumerable<ContainerFileSystemItem> Deployed(
        this IDistributedApplicationBuilder builder,
        string path
    ) => ContainerDirectory.GetFileSystemItemsFromPath(Path.Combine(builder.AppHostDirectory, "../deploy", path));
}
