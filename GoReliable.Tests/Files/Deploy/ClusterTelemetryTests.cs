using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>Collector, dashboards and rules in the cluster are those of this repository.</summary>
public sealed class ClusterTelemetryTests
{
    [Fact]
    public async Task The_Collector_uses_our_file()
    {
        var objects = await BuildAsync();
        var collector = Assert.Single(objects.Of<V1StatefulSet>()).Spec.Template.Spec;
        var configuration = objects
            .Of<V1ConfigMap>()
            .Single(map => map.Metadata.Name == collector.Volumes.Single().ConfigMap.Name);
        Assert.Equal(DeployFiles.Read("deploy/otel-collector/config.yaml"), configuration.Data["config.yaml"]);
    }

    [Fact]
    public async Task The_services_send_to_the_Collector()
    {
        var services = (await KubernetesObjects.BuildAsync("deploy/k8s/overlays/prod"))
            .Of<V1ConfigMap>()
            .Single(map => map.Metadata.Name.StartsWith("services", StringComparison.Ordinal));
        var endpoint = new Uri(services.Data["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        var service = (await BuildAsync())
            .Of<V1Service>()
            .Single(service => $"{service.Metadata.Name}.{service.Metadata.NamespaceProperty}" == endpoint.Host);
        Assert.Contains(endpoint.Port, service.Spec.Ports.Select(port => port.Port));
    }

    [Fact]
    public async Task Dashboards_are_the_files_of_this_repository()
    {
        var dashboards = (await BuildAsync())
            .Of<V1ConfigMap>()
            .Single(map => map.Metadata.Labels?.ContainsKey("grafana_dashboard") == true);
        Assert.All(DeployFiles.Find("deploy/grafana/dashboards", "*.json"), file =>
            Assert.Equal(File.ReadAllText(file), dashboards.Data[Path.GetFileName(file)])
        );
    }

    [Fact]
    public async Task Rules_are_the_files_of_this_repository() =>
        Assert.Equal(
            AlertRules.LoadRules().Select(rule => (rule.Record, rule.Alert, rule.Expr)),
            (await BuildAsync())
                .Custom<AlertRules>()
                .OrderBy(rules => rules.Metadata.Name, StringComparer.Ordinal)
                .SelectMany(rules => rules.Spec.Groups)
                .SelectMany(group => group.Rules)
                .Select(rule => (rule.Record, rule.Alert, rule.Expr))
        );

    private static Task<KubernetesObjects> BuildAsync() => KubernetesObjects.BuildAsync("deploy/k8s/observability");
}
