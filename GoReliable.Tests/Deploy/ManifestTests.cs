using k8s.Models;

namespace GoReliable.Tests.Deploy;

/// <summary>The platform in Kubernetes: every object fits its type, and all fit together and to the services.</summary>
public sealed class ManifestTests
{
    private static readonly string[] Services = ["gateway", "notifications", "orders"];

    // The settings that the services read (docs/deploy.md), beside those that only the manifests use to build them.
    private static readonly HashSet<string> Settings =
    [
        "DOTNET_ENVIRONMENT", "ASPNETCORE_ENVIRONMENT", "HTTP_PORTS", "MANAGEMENT_PORT",
        "ConnectionStrings__orders-db", "ConnectionStrings__notifications-db", "ConnectionStrings__messaging",
        "services__orders__http__0", "services__notifications__http__0",
        "Authentication__Schemes__Bearer__Authority", "Authentication__Schemes__Bearer__ValidAudiences__0",
        "Email__From", "Email__Smtp__Host", "Email__Smtp__Port", "Email__Smtp__User", "Email__Smtp__Password",
        "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_TRACES_SAMPLER", "OTEL_METRICS_EXEMPLAR_FILTER",
    ];

    private static readonly HashSet<string> Parts = ["POD_NAME", "POD_UID", "ENVIRONMENT_NAME", "ORDERS_DB_PASSWORD", "NOTIFICATIONS_DB_PASSWORD"];

    public static TheoryData<string> Overlays => ["dev", "prod"];

    [Theory, MemberData(nameof(Overlays))]
    public async Task Every_object_fits_its_type_and_has_a_namespace(string overlay)
    {
        var objects = await BuildAsync(overlay);
        Assert.All(objects.All.Where(entry => entry.Kind != "Namespace"), entry => Assert.Equal("goreliable", entry.Namespace));
        Assert.Equal(Services, objects.Of<V1Deployment>().Select(deployment => deployment.Metadata.Name).Order(StringComparer.Ordinal));
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Selectors_find_the_pods_they_mean(string overlay)
    {
        var objects = await BuildAsync(overlay);
        foreach (var deployment in objects.Of<V1Deployment>())
        {
            var labels = deployment.Spec.Template.Metadata.Labels;
            Assert.True(Matches(deployment.Spec.Selector.MatchLabels, labels));
            Assert.All(deployment.Spec.Template.Spec.TopologySpreadConstraints, spread => Assert.True(Matches(spread.LabelSelector.MatchLabels, labels)));
            Assert.Single(objects.Of<V1Service>(), service => service.Metadata.Name == deployment.Metadata.Name && Matches(service.Spec.Selector, labels));
            Assert.Single(objects.Of<V1PodDisruptionBudget>(), budget => Matches(budget.Spec.Selector.MatchLabels, labels));
            Assert.Single(objects.Custom<PodMonitorSpec>(), monitor => Matches(monitor.Spec.Selector.MatchLabels, labels));
        }
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Ports_are_the_ones_that_the_services_listen_on(string overlay)
    {
        var objects = await BuildAsync(overlay);
        foreach (var deployment in objects.Of<V1Deployment>())
        {
            var container = deployment.Spec.Template.Spec.Containers.Single();
            var ports = container.Ports.ToDictionary(port => port.Name, port => port.ContainerPort);
            var settings = EnvironmentOf(container, objects);
            Assert.Equal(ports["http"].ToString(System.Globalization.CultureInfo.InvariantCulture), settings["HTTP_PORTS"]);
            Assert.Equal(ports["management"].ToString(System.Globalization.CultureInfo.InvariantCulture), settings["MANAGEMENT_PORT"]);

            // The management port is on no Service, and Prometheus finds it by name.
            var service = objects.Of<V1Service>().Single(service => service.Metadata.Name == deployment.Metadata.Name);
            Assert.Equal(["http"], service.Spec.Ports.Select(port => port.TargetPort.Value));
            Assert.Equal("management", Assert.Single(objects.Custom<PodMonitorSpec>()).Spec.PodMetricsEndpoints.Single().Port);
        }
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Probes_ask_the_health_endpoints_on_the_management_port(string overlay) =>
        Assert.All((await BuildAsync(overlay)).Of<V1Deployment>().Select(deployment => deployment.Spec.Template.Spec.Containers.Single()), container =>
        {
            Assert.Equal(("/health/startup", "management"), (container.StartupProbe.HttpGet.Path, container.StartupProbe.HttpGet.Port.Value));
            Assert.Equal(("/health/ready", "management"), (container.ReadinessProbe.HttpGet.Path, container.ReadinessProbe.HttpGet.Port.Value));
            Assert.Equal(("/health/live", "management"), (container.LivenessProbe.HttpGet.Path, container.LivenessProbe.HttpGet.Port.Value));
        });

    [Theory, MemberData(nameof(Overlays))]
    public async Task Environment_names_are_ones_that_the_services_read_and_references_resolve(string overlay)
    {
        var objects = await BuildAsync(overlay);
        foreach (var container in objects.Of<V1Deployment>().Select(deployment => deployment.Spec.Template.Spec.Containers.Single()))
        {
            var settings = EnvironmentOf(container, objects);
            Assert.All(settings.Keys, name => Assert.True(Settings.Contains(name) || Parts.Contains(name), $"{container.Name}: nobody reads {name}."));

            // $(NAME) stays as it is when NAME is unknown or comes later.
            var known = settings.Keys.Except(container.Env.Select(variable => variable.Name)).ToHashSet();
            foreach (var variable in container.Env)
            {
                foreach (System.Text.RegularExpressions.Match reference in System.Text.RegularExpressions.Regex.Matches(variable.Value ?? "", @"\$\((\w+)\)"))
                    Assert.Contains(reference.Groups[1].Value, known);
                known.Add(variable.Name);
            }
        }

        var gateway = EnvironmentOf(Container(objects, "gateway"), objects);
        foreach (var name in new[] { "orders", "notifications" })
        {
            var address = new Uri(gateway[$"services__{name}__http__0"]!);
            var service = objects.Of<V1Service>().Single(service => service.Metadata.Name == address.Host);
            Assert.Equal(address.Port, service.Spec.Ports.Single().Port);
        }
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Every_secret_that_is_referred_to_is_made_by_somebody(string overlay)
    {
        var objects = await BuildAsync(overlay);
        var made = objects.Custom<ExternalSecretSpec>().ToDictionary(secret => secret.Spec.Target.Name, secret => secret.Spec.Target.Template.Data.Keys.ToArray());
        // The RabbitMQ operator: https://www.rabbitmq.com/kubernetes/operator/using-operator#find
        foreach (var cluster in objects.Custom<RabbitmqClusterSpec>())
            made[$"{cluster.Metadata.Name}-default-user"] = ["username", "password", "host", "port", "connection_string"];

        var needed = objects.Of<V1Deployment>()
            .SelectMany(deployment => deployment.Spec.Template.Spec.Containers.Single().Env)
            .Select(variable => variable.ValueFrom?.SecretKeyRef)
            .Where(reference => reference is { Optional: not true })
            .Select(reference => (reference!.Name, reference.Key))
            .Concat(objects.Custom<TriggerAuthenticationSpec>().SelectMany(trigger => trigger.Spec.SecretTargetRef.Select(target => (target.Name, target.Key))))
            .Concat(objects.Custom<PostgresClusterSpec>().SelectMany(cluster => cluster.Spec.Managed.Roles.Select(role => role.PasswordSecret.Name).Append(cluster.Spec.Bootstrap.Initdb.Secret.Name)).Select(name => (name, "password")));

        Assert.All(needed, secret => Assert.True(made.TryGetValue(secret.Item1, out var keys) && keys.Contains(secret.Item2), $"Nobody makes {secret}."));
        Assert.Empty(objects.Of<V1Secret>());
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Each_database_belongs_to_the_user_that_the_service_logs_in_as(string overlay)
    {
        var objects = await BuildAsync(overlay);
        var cluster = Assert.Single(objects.Custom<PostgresClusterSpec>());
        var owners = objects.Custom<PostgresDatabaseSpec>().ToDictionary(database => database.Spec.Name, database => database.Spec.Owner);
        owners.Add(cluster.Spec.Bootstrap.Initdb.Database, cluster.Spec.Bootstrap.Initdb.Owner);

        foreach (var service in new[] { "orders", "notifications" })
        {
            var text = Container(objects, service).Env.Single(variable => variable.Name == $"ConnectionStrings__{service}-db").Value;
            var connection = new System.Data.Common.DbConnectionStringBuilder { ConnectionString = text };
            Assert.Equal($"{cluster.Metadata.Name}-rw", connection["Host"]);
            Assert.Equal(owners[(string)connection["Database"]], connection["Username"]);
        }
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Pods_run_with_as_little_as_they_need(string overlay) =>
        Assert.All((await BuildAsync(overlay)).Of<V1Deployment>().Select(deployment => deployment.Spec.Template.Spec), pod =>
        {
            var container = pod.Containers.Single();
            Assert.True(pod.SecurityContext.RunAsNonRoot);
            Assert.Equal("RuntimeDefault", pod.SecurityContext.SeccompProfile.Type);
            Assert.False(pod.AutomountServiceAccountToken);
            Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
            Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
            Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
            Assert.Superset(new HashSet<string> { "cpu", "memory" }, container.Resources.Requests.Keys.ToHashSet());
            Assert.Contains("memory", container.Resources.Limits.Keys);
        });

    [Theory, MemberData(nameof(Overlays))]
    public async Task A_pod_is_given_the_time_that_its_drain_takes(string overlay)
    {
        var drain = TimeSpan.FromSeconds(30); // what the services promise after SIGTERM
        Assert.All((await BuildAsync(overlay)).Of<V1Deployment>().Select(deployment => deployment.Spec.Template.Spec), pod =>
        {
            var sleep = TimeSpan.FromSeconds(pod.Containers.Single().Lifecycle.PreStop.Sleep.Seconds);
            Assert.True(TimeSpan.FromSeconds(pod.TerminationGracePeriodSeconds!.Value) > sleep + drain);
        });
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task An_autoscaler_owns_the_number_of_replicas(string overlay)
    {
        var objects = await BuildAsync(overlay);
        var scaled = objects.Of<V2HorizontalPodAutoscaler>().Select(scaler => scaler.Spec.ScaleTargetRef.Name)
            .Concat(objects.Custom<ScaledObjectSpec>().Select(scaler => scaler.Spec.ScaleTargetRef.Name));
        Assert.Equal(Services, scaled.Order(StringComparer.Ordinal));
        Assert.All(objects.Of<V1Deployment>(), deployment => Assert.Null(deployment.Spec.Replicas));

        var worker = Assert.Single(objects.Custom<ScaledObjectSpec>()).Spec.Triggers.Single();
        Assert.Equal(("notifications", "QueueLength"), (worker.Metadata.QueueName, worker.Metadata.Mode));
        Assert.Contains(objects.Custom<TriggerAuthenticationSpec>(), authentication => authentication.Metadata.Name == worker.AuthenticationRef.Name);
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Every_image_is_pinned(string overlay)
    {
        var objects = await BuildAsync(overlay);
        var images = objects.Of<V1Deployment>().SelectMany(deployment => deployment.Spec.Template.Spec.Containers.Select(container => container.Image))
            .Concat(objects.Custom<PostgresClusterSpec>().Select(cluster => cluster.Spec.ImageName))
            .Concat(objects.Custom<RabbitmqClusterSpec>().Select(cluster => cluster.Spec.Image));
        Assert.All(images, image => Assert.Matches(@"^[a-z0-9.-]+\.[a-z]+/[a-z0-9./-]+:\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$", image));
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task Nobody_talks_to_anybody_unless_it_is_said_and_management_ports_only_to_monitoring(string overlay)
    {
        var policies = (await BuildAsync(overlay)).Of<V1NetworkPolicy>();
        var deny = Assert.Single(policies, policy => policy.Spec.PodSelector.MatchLabels is null or { Count: 0 } && policy.Spec.Egress is null or { Count: 0 });
        Assert.Equal(["Ingress", "Egress"], deny.Spec.PolicyTypes);

        var management = policies.SelectMany(policy => policy.Spec.Ingress ?? []).Where(rule => rule.Ports.Any(port => port.Port.Value == "9464"));
        Assert.Equal("observability", Assert.Single(Assert.Single(management).FromProperty).NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"]);
    }

    [Theory, MemberData(nameof(Overlays))]
    public async Task The_environment_has_one_name_everywhere(string overlay)
    {
        var objects = await BuildAsync(overlay);
        Assert.All(Services, service => Assert.Equal(overlay, EnvironmentOf(Container(objects, service), objects)["ENVIRONMENT_NAME"]));
        var relabeling = Assert.Single(Assert.Single(objects.Custom<PodMonitorSpec>()).Spec.PodMetricsEndpoints.Single().Relabelings, relabeling => relabeling.TargetLabel == "environment");
        Assert.Equal(overlay, relabeling.Replacement);
    }

    [Fact]
    public async Task In_production_an_accepted_order_survives_the_loss_of_a_node()
    {
        var objects = await BuildAsync("prod");
        var postgres = Assert.Single(objects.Custom<PostgresClusterSpec>()).Spec;
        Assert.True(postgres is { Instances: >= 3, Postgresql.Synchronous: { Number: >= 1, DataDurability: "required" } });
        Assert.True(Assert.Single(objects.Custom<RabbitmqClusterSpec>()).Spec.Replicas >= 3);
        Assert.All(objects.Of<V2HorizontalPodAutoscaler>(), scaler => Assert.True(scaler.Spec.MinReplicas >= 2));
        Assert.True(Assert.Single(objects.Custom<ScaledObjectSpec>()).Spec.MinReplicaCount >= 2);
    }

    private static Task<KubernetesObjects> BuildAsync(string overlay) => KubernetesObjects.BuildAsync($"deploy/k8s/overlays/{overlay}");

    private static bool Matches(IDictionary<string, string>? selector, IDictionary<string, string> labels) =>
        selector is { Count: > 0 } && selector.All(wanted => labels.TryGetValue(wanted.Key, out var value) && value == wanted.Value);

    private static V1Container Container(KubernetesObjects objects, string service) =>
        objects.Of<V1Deployment>().Single(deployment => deployment.Metadata.Name == service).Spec.Template.Spec.Containers.Single();

    /// <summary>The variables of a container, with those from ConfigMaps. Values from elsewhere are null.</summary>
    private static Dictionary<string, string?> EnvironmentOf(V1Container container, KubernetesObjects objects)
    {
        var variables = new Dictionary<string, string?>();
        foreach (var source in container.EnvFrom)
            foreach (var (name, value) in objects.Of<V1ConfigMap>().Single(map => map.Metadata.Name == source.ConfigMapRef.Name).Data)
                variables[name] = value;
        foreach (var variable in container.Env)
            variables[variable.Name] = variable.Value;
        return variables;
    }
}
