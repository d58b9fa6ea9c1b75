using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>The platform as one environment deploys it.</summary>
internal sealed class Overlay
{
    private Overlay(KubernetesObjects objects) => Objects = objects;

    public static string[] Services { get; } = ["gateway", "notifications", "orders"];

    public static TheoryData<string> All => ["dev", "prod"];

    public KubernetesObjects Objects { get; }

    public IReadOnlyList<V1Deployment> Deployments => Objects.Of<V1Deployment>();

    public IEnumerable<V1PodSpec> Pods => Deployments.Select(deployment => deployment.Spec.Template.Spec);

    /// <summary>The container of each service.</summary>
    public IEnumerable<V1Container> ServiceContainers => Pods.Select(pod => pod.Containers.Single());

    public static async Task<Overlay> BuildAsync(string name) =>
        new(await KubernetesObjects.BuildAsync($"deploy/k8s/overlays/{name}"));

    /// <summary>Every container, those that only prepare a pod included.</summary>
    public IEnumerable<V1Container> Containers =>
        Pods.SelectMany(pod => (pod.InitContainers ?? []).Concat(pod.Containers));

    /// <summary>The variables of a service, with those from ConfigMaps. Values from elsewhere are null.</summary>
    public Dictionary<string, string?> EnvironmentOf(string service) =>
        EnvironmentOf(ServiceContainers.Single(container => container.Name == service));

    /// <inheritdoc cref="EnvironmentOf(string)"/>
    public Dictionary<string, string?> EnvironmentOf(V1Container container)
    {
        var variables = new Dictionary<string, string?>();
        foreach (var source in container.EnvFrom)
        foreach (
            var (name, value) in Objects
                .Of<V1ConfigMap>()
                .Single(map => map.Metadata.Name == source.ConfigMapRef.Name)
                .Data
        )
            variables[name] = value;
        foreach (var variable in container.Env)
            variables[variable.Name] = variable.Value;
        return variables;
    }
}
