using GoReliable.ServiceDefaults.Lifecycle;
using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>The platform in Kubernetes: every object fits its type, and all fit together and to the services.</summary>
public sealed class ManifestTests
{
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Every_object_fits_its_type_and_has_a_namespace(string overlay) =>
        Assert.All((await Overlay.BuildAsync(overlay)).Objects.All.Where(entry => entry.Kind != "Namespace"), entry =>
            Assert.Equal("goreliable", entry.Metadata.NamespaceProperty)
        );

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
        Assert.All(platform.ServiceContainers, container =>
        {
            var ports = container.Ports.ToDictionary(port => port.Name, port => port.ContainerPort);
            var settings = platform.EnvironmentOf(container.Name);
            Assert.Equal($"{ports["http"]}", settings["HTTP_PORTS"]);
            Assert.Equal($"{ports["management"]}", settings["MANAGEMENT_PORT"]);
        });
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task The_management_port_is_on_no_Service_and_Prometheus_finds_it_by_name(string overlay)
    {
        var platform = await Overlay.BuildAsync(overlay);
        var objects = platform.Objects;
        Assert.All(platform.Deployments, deployment =>
        {
            var service = objects.Of<V1Service>().Single(service => service.Metadata.Name == deployment.Metadata.Name);
            Assert.Equal(["http"], service.Spec.Ports.Select(port => port.TargetPort.Value));
        });
        Assert.Equal("management", objects.Only<PodMonitorSpec>().Spec.PodMetricsEndpoints.Single().Port);
    }

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Probes_ask_the_health_endpoints_on_the_management_port(string overlay) =>
        Assert.All((await Overlay.BuildAsync(overlay)).ServiceContainers, container =>
        {
            // Not /health/startup, which waits for the schema: a database that is away for minutes must restart nobody.
            Assert.Equal(("/health/live", "management"), Target(container.StartupProbe));
            Assert.Equal(("/health/ready", "management"), Target(container.ReadinessProbe));
            Assert.Equal(("/health/live", "management"), Target(container.LivenessProbe));
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
        });

    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task Pods_run_only_on_the_processors_that_the_images_are_built_for(string overlay)
    {
        Assert.Contains("--runtime linux-x64", DeployFiles.Read(".github/workflows/images.yaml"));
        Assert.All((await Overlay.BuildAsync(overlay)).Pods, pod =>
            Assert.Equal("amd64", pod.NodeSelector?["kubernetes.io/arch"])
        );
    }

    // The service waits itself until nobody sends anything new, and says so meanwhile.
    [Theory, MemberData(nameof(Overlay.All), MemberType = typeof(Overlay))]
    public async Task No_pod_waits_before_its_service_is_told_to_stop(string overlay) =>
        Assert.All((await Overlay.BuildAsync(overlay)).ServiceContainers, container =>
            Assert.Null(container.Lifecycle)
        );

    private static (string, string) Target(V1Probe probe) => (probe.HttpGet.Path, probe.HttpGet.Port.Value);

    private static bool Matches(IDictionary<string, string>? selector, IDictionary<string, string> labels) =>
        selector is { Count: > 0 }
        && selector.All(wanted => labels.TryGetValue(wanted.Key, out var value) && value == wanted.Value);
}
