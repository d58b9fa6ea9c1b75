using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>What production asks of the manifests beyond being right: safe, pinned, and prepared for losses.</summary>
public sealed class ProductionTests
{
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Pods_run_with_least_privilege(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        Assert.All(platform.Pods, pod =>
        {
            Assert.True(pod.SecurityContext.RunAsNonRoot);
            Assert.Equal("RuntimeDefault", pod.SecurityContext.SeccompProfile.Type);
            Assert.False(pod.AutomountServiceAccountToken);
        });
        Assert.All(platform.Containers, container =>
        {
            Assert.True(container.SecurityContext.ReadOnlyRootFilesystem);
            Assert.False(container.SecurityContext.AllowPrivilegeEscalation);
            Assert.Equal(["ALL"], container.SecurityContext.Capabilities.Drop);
            Assert.Superset(new HashSet<string> { "cpu", "memory" }, container.Resources.Requests.Keys.ToHashSet());
            Assert.Contains("memory", container.Resources.Limits.Keys);
        });
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task An_autoscaler_owns_the_number_of_replicas(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        var scaled = objects
            .Of<V2HorizontalPodAutoscaler>()
            .Select(scaler => scaler.Spec.ScaleTargetRef.Name)
            .Concat(objects.Custom<ScaledObjectSpec>().Select(scaler => scaler.Spec.ScaleTargetRef.Name));
        Assert.Equal(Overlay.Services, scaled.Order(StringComparer.Ordinal));
        Assert.All(platform.Deployments, deployment => Assert.Null(deployment.Spec.Replicas));

        var worker = objects.Only<ScaledObjectSpec>().Spec.Triggers.Single();
        Assert.Equal(("notifications", "QueueLength"), (worker.Metadata["queueName"], worker.Metadata["mode"]));
        Assert.Contains(objects.Custom<TriggerAuthenticationSpec>(), authentication =>
            authentication.Metadata.Name == worker.AuthenticationRef.Name
        );
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Network_traffic_is_denied_unless_listed_and_management_ports_serve_monitoring_only(string overlay)
    {
        var policies = (await Overlay.BuildAsync(overlay)).Objects.Of<V1NetworkPolicy>();
        var deny = Assert.Single(policies, policy =>
            policy.Spec.PodSelector.MatchLabels is null or { Count: 0 } && policy.Spec.Egress is null or { Count: 0 }
        );
        Assert.Equal(["Ingress", "Egress"], deny.Spec.PolicyTypes);

        var management = policies
            .SelectMany(policy => policy.Spec.Ingress ?? [])
            .Where(rule => rule.Ports.Any(port => port.Port.Value == "9464"));
        Assert.Equal(
            "observability",
            Assert.Single(Assert.Single(management).FromProperty).NamespaceSelector.MatchLabels[
                "kubernetes.io/metadata.name"
            ]
        );
    }

    // By default also a zone counts whose nodes take no pods: then it stays empty, and no other may be one pod ahead of it.
    [Fact]
    public async Task In_production_a_lost_zone_does_not_keep_pods_from_starting_in_the_others() =>
        Assert.All((await Overlay.BuildAsync("prod")).Pods, pod =>
        {
            var strict = Assert.Single(pod.TopologySpreadConstraints, spread =>
                spread.WhenUnsatisfiable == "DoNotSchedule"
            );
            Assert.Equal(("topology.kubernetes.io/zone", "Honor"), (strict.TopologyKey, strict.NodeTaintsPolicy));
        });

    [Fact]
    public async Task In_production_an_accepted_order_survives_the_loss_of_a_node()
    {
        var objects = (await Overlay.BuildAsync("prod")).Objects;
        var postgres = objects.Only<PostgresClusterSpec>().Spec;
        Assert.True(
            postgres is { Instances: >= 3, Postgresql.Synchronous: { Number: >= 1, DataDurability: "required" } }
        );
        Assert.True(objects.Only<RabbitmqClusterSpec>().Spec.Replicas >= 3);
        Assert.All(objects.Of<V2HorizontalPodAutoscaler>(), scaler => Assert.True(scaler.Spec.MinReplicas >= 2));
        Assert.True(objects.Only<ScaledObjectSpec>().Spec.MinReplicaCount >= 2);
    }
}
