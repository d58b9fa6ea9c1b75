using System.Globalization;
using System.Text.RegularExpressions;
using GoReliable.Notifications.Delivery;
using GoReliable.ServiceDefaults.Lifecycle;
using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>The platform in Kubernetes: every object fits its type, and all fit together and to the services.</summary>
public sealed partial class ManifestTests
{
    // The settings that the services read (docs/deploy.md), beside those that only the manifests use to build them.
    private static readonly HashSet<string> Settings =
    [
        "DOTNET_ENVIRONMENT",
        "ASPNETCORE_ENVIRONMENT",
        "DOTNET_gcServer",
        "HTTP_PORTS",
        "MANAGEMENT_PORT",
        "Authentication__Schemes__Bearer__Authority",
        "ConnectionStrings__orders-db",
        "ConnectionStrings__notifications-db",
        "ConnectionStrings__messaging",
        "services__orders__http__0",
        "services__notifications__http__0",
        "Email__From",
        "Email__Smtp__Host",
        "Email__Smtp__Port",
        "Email__Smtp__User",
        "Email__Smtp__Password",
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_TRACES_SAMPLER",
        "OTEL_METRICS_EXEMPLAR_FILTER",
    ];

    private static readonly HashSet<string> Parts =
    [
        "POD_NAME",
        "POD_UID",
        "ENVIRONMENT_NAME",
        "ORDERS_DB_PASSWORD",
        "NOTIFICATIONS_DB_PASSWORD",
        "ORDERS_DB_POOL",
        "NOTIFICATIONS_DB_POOL",
    ];

    [Fact]
    public void Every_setting_of_our_own_is_read_by_a_service()
    {
        string[] services =
        [
            "GoReliable.ServiceDefaults",
            "GoReliable.Database",
            "GoReliable.Messaging",
            "GoReliable.Gateway",
            "GoReliable.Orders",
            "GoReliable.Notifications",
        ];
        var code = string.Concat(
            services
                .SelectMany(service =>
                    Directory.GetFiles(Path.Combine(DeployFiles.Root, service), "*.cs", SearchOption.AllDirectories)
                )
                .Select(File.ReadAllText)
        );
        foreach (var setting in Settings.Where(name => !StandardSetting().IsMatch(name)))
        {
            var parts = setting.Split("__");
            // Options are bound by the names of their properties; everything else is asked for by its name.
            var read =
                parts[0] == "Email"
                    ? parts[1..]
                        .Aggregate((Type?)typeof(EmailOptions), (type, property) =>
                            type?.GetProperty(property)?.PropertyType
                        )
                        is not null
                    : code.Contains($"\"{parts[^1]}\"", StringComparison.Ordinal);
            Assert.True(read, $"{setting} is in the manifests, and no service reads it.");
        }
    }

    // .NET's, OpenTelemetry's, and service discovery's.
    [GeneratedRegex("^(DOTNET|ASPNETCORE|OTEL)_|^services__")]
    private static partial Regex StandardSetting();

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Every_object_fits_its_type_and_has_a_namespace(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        Assert.All(objects.All.Where(entry => entry.Kind != "Namespace"), entry =>
            Assert.Equal("goreliable", entry.Namespace)
        );
        Assert.Equal(
            Overlay.Services,
            platform.Deployments.Select(deployment => deployment.Metadata.Name).Order(StringComparer.Ordinal)
        );
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Selectors_find_the_pods_they_mean(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        foreach (var deployment in platform.Deployments)
        {
            var labels = deployment.Spec.Template.Metadata.Labels;
            Assert.True(Matches(deployment.Spec.Selector.MatchLabels, labels));
            Assert.All(deployment.Spec.Template.Spec.TopologySpreadConstraints, spread =>
                Assert.True(Matches(spread.LabelSelector.MatchLabels, labels))
            );
            Assert.Single(objects.Of<V1Service>(), service =>
                service.Metadata.Name == deployment.Metadata.Name && Matches(service.Spec.Selector, labels)
            );
            Assert.Single(objects.Of<V1PodDisruptionBudget>(), budget =>
                Matches(budget.Spec.Selector.MatchLabels, labels)
            );
            Assert.Single(objects.Custom<PodMonitorSpec>(), monitor =>
                Matches(monitor.Spec.Selector.MatchLabels, labels)
            );
        }
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Ports_are_the_ones_that_the_services_listen_on(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        foreach (var deployment in platform.Deployments)
        {
            var container = deployment.Spec.Template.Spec.Containers.Single();
            var ports = container.Ports.ToDictionary(port => port.Name, port => port.ContainerPort);
            var settings = platform.EnvironmentOf(container.Name);
            Assert.Equal(ports["http"].ToString(CultureInfo.InvariantCulture), settings["HTTP_PORTS"]);
            Assert.Equal(ports["management"].ToString(CultureInfo.InvariantCulture), settings["MANAGEMENT_PORT"]);

            // The management port is on no Service, and Prometheus finds it by name.
            var service = objects.Of<V1Service>().Single(service => service.Metadata.Name == deployment.Metadata.Name);
            Assert.Equal(["http"], service.Spec.Ports.Select(port => port.TargetPort.Value));
            Assert.Equal(
                "management",
                Assert.Single(objects.Custom<PodMonitorSpec>()).Spec.PodMetricsEndpoints.Single().Port
            );
        }
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Probes_ask_the_health_endpoints_on_the_management_port(string overlay) =>
        Assert.All((await Overlay.BuildAsync(overlay)).Pods.Select(pod => pod.Containers.Single()), container =>
        {
            // Not /health/startup, which waits for the schema: a database that is away for minutes must restart nobody.
            Assert.Equal(
                ("/health/live", "management"),
                (container.StartupProbe.HttpGet.Path, container.StartupProbe.HttpGet.Port.Value)
            );
            Assert.Equal(
                ("/health/ready", "management"),
                (container.ReadinessProbe.HttpGet.Path, container.ReadinessProbe.HttpGet.Port.Value)
            );
            Assert.Equal(
                ("/health/live", "management"),
                (container.LivenessProbe.HttpGet.Path, container.LivenessProbe.HttpGet.Port.Value)
            );
        });

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task No_pod_is_killed_before_its_deadline_and_its_last_export(string overlay) =>
        Assert.All((await Overlay.BuildAsync(overlay)).Pods, pod =>
        {
            var lastTelemetry = TimeSpan.FromSeconds(5);
            Assert.True(
                TimeSpan.FromSeconds(pod.TerminationGracePeriodSeconds!.Value)
                    > new ShutdownOptions().Deadline + lastTelemetry
            );
            // The service waits itself until nobody sends anything new, and says so meanwhile.
            Assert.Null(pod.Containers.Single().Lifecycle);
        });

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Environment_names_are_ones_that_the_services_read_and_references_resolve(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        foreach (var container in platform.Containers)
        {
            var settings = platform.EnvironmentOf(container);
            Assert.All(settings.Keys, name =>
                Assert.True(Settings.Contains(name) || Parts.Contains(name), $"{container.Name}: nobody reads {name}.")
            );

            // $(NAME) stays as it is when NAME is unknown or comes later.
            var known = settings.Keys.Except(container.Env.Select(variable => variable.Name)).ToHashSet();
            foreach (var variable in container.Env)
            {
                foreach (Match reference in Reference.Matches(variable.Value ?? ""))
                    Assert.Contains(reference.Groups[1].Value, known);
                known.Add(variable.Name);
            }
        }

        var gateway = platform.EnvironmentOf("gateway");
        foreach (var name in new[] { "orders", "notifications" })
        {
            var address = new Uri(gateway[$"services__{name}__http__0"]!);
            var service = objects.Of<V1Service>().Single(service => service.Metadata.Name == address.Host);
            Assert.Equal(address.Port, service.Spec.Ports.Single().Port);
        }
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Every_secret_that_is_used_is_created(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        var made = objects
            .Custom<ExternalSecretSpec>()
            .ToDictionary(secret => secret.Spec.Target.Name, secret => secret.Spec.Target.Template.Data.Keys.ToArray());
        // The RabbitMQ operator: https://www.rabbitmq.com/kubernetes/operator/using-operator#find
        foreach (var cluster in objects.Custom<RabbitmqClusterSpec>())
            made[$"{cluster.Metadata.Name}-default-user"] =
            [
                "username",
                "password",
                "host",
                "port",
                "connection_string",
            ];

        var needed = platform
            .Containers.SelectMany(container => container.Env)
            .Select(variable => variable.ValueFrom?.SecretKeyRef)
            .Where(reference => reference is { Optional: not true })
            .Select(reference => (reference!.Name, reference.Key))
            .Concat(
                objects
                    .Custom<TriggerAuthenticationSpec>()
                    .SelectMany(trigger => trigger.Spec.SecretTargetRef.Select(target => (target.Name, target.Key)))
            )
            .Concat(
                objects
                    .Custom<PostgresClusterSpec>()
                    .SelectMany(cluster =>
                        cluster
                            .Spec.Managed.Roles.Select(role => role.PasswordSecret.Name)
                            .Append(cluster.Spec.Bootstrap.Initdb.Secret.Name)
                    )
                    .Select(name => (name, "password"))
            );

        Assert.All(needed, secret =>
            Assert.True(
                made.TryGetValue(secret.Item1, out var keys) && keys.Contains(secret.Item2),
                $"Nobody makes {secret}."
            )
        );
        Assert.Empty(objects.Of<V1Secret>());
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Each_database_belongs_to_the_user_that_the_service_logs_in_as(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        var cluster = Assert.Single(objects.Custom<PostgresClusterSpec>());
        var owners = objects
            .Custom<PostgresDatabaseSpec>()
            .ToDictionary(database => database.Spec.Name, database => database.Spec.Owner);
        owners.Add(cluster.Spec.Bootstrap.Initdb.Database, cluster.Spec.Bootstrap.Initdb.Owner);

        foreach (var service in new[] { "orders", "notifications" })
        {
            var text = platform.EnvironmentOf(service)[$"ConnectionStrings__{service}-db"];
            var connection = new System.Data.Common.DbConnectionStringBuilder { ConnectionString = text };
            Assert.Equal($"{cluster.Metadata.Name}-rw", connection["Host"]);
            Assert.Equal(owners[(string)connection["Database"]], connection["Username"]);
        }
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task A_service_migrates_its_database_before_it_starts_with_its_own_image_and_secret(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        foreach (var pod in platform.Pods)
        {
            var service = pod.Containers.Single();
            var databases = service
                .Env.Where(variable =>
                    variable.Name.StartsWith("ConnectionStrings__", StringComparison.Ordinal)
                    && variable.Name.EndsWith("-db", StringComparison.Ordinal)
                )
                .ToArray();
            Assert.Equal(databases.Length, pod.InitContainers?.Count ?? 0);
            if (databases is not [var database])
                continue;

            var migrate = pod.InitContainers!.Single();
            Assert.Equal(["migrate"], migrate.Args);
            Assert.Equal(service.Image, migrate.Image);
            Assert.Equal(database.Value, platform.EnvironmentOf(migrate)[database.Name]);
            Assert.Equal(
                [$"{service.Name}-db"],
                migrate.Env.Select(variable => variable.ValueFrom?.SecretKeyRef?.Name).OfType<string>()
            );
            Assert.DoesNotContain("ConnectionStrings__messaging", platform.EnvironmentOf(migrate).Keys);
            // It listens nowhere, so there is nothing to name and nothing to probe.
            Assert.True(migrate is { Ports: null, StartupProbe: null, ReadinessProbe: null, LivenessProbe: null });
        }
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task The_environment_has_one_name_everywhere(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        Assert.All(platform.Containers, container =>
            Assert.Equal(overlay, platform.EnvironmentOf(container)["ENVIRONMENT_NAME"])
        );
        var relabeling = Assert.Single(
            Assert.Single(objects.Custom<PodMonitorSpec>()).Spec.PodMetricsEndpoints.Single().Relabelings,
            relabeling => relabeling.TargetLabel == "environment"
        );
        Assert.Equal(overlay, relabeling.Replacement);
    }

    [Fact]
    public void Every_setting_is_in_the_deployment_guide()
    {
        var guide = DeployFiles.Read("docs/deploy.md");
        Assert.All(
            Settings.Where(name =>
                !name.StartsWith("OTEL_", StringComparison.Ordinal)
                && !name.EndsWith("_ENVIRONMENT", StringComparison.Ordinal)
            ),
            name => Assert.Contains($"`{name}`", guide, StringComparison.Ordinal)
        );
    }

    private static bool Matches(IDictionary<string, string>? selector, IDictionary<string, string> labels) =>
        selector is { Count: > 0 }
        && selector.All(wanted => labels.TryGetValue(wanted.Key, out var value) && value == wanted.Value);

    [GeneratedRegex(@"\$\((\w+)\)")]
    private static partial Regex Reference { get; }
}
