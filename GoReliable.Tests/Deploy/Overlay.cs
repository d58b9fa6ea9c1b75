using k8s.Models;

namespace GoReliable.Tests.Deploy;

/// <summary>The platform as one environment deploys it.</summary>
internal sealed class Overlay
{
    private Overlay(KubernetesObjects objects) => Objects = objects;

    public static string[] Services { get; } = ["gateway", "notifications", "orders"];

    public static TheoryData<string> All => ["dev", "prod"];

    public KubernetesObjects Objects { get; }

    public IReadOnlyList<V1Deployment> Deployments => Objects.Of<V1Deployment>();

    public IEnumerable<V1PodSpec> Pods => Deployments.Select(deployment => deployment.Spec.Template.Spec);

    public static async Task<Overlay> BuildAsync(string name) => new(await KubernetesObjects.BuildAsync($"deploy/k8s/overlays/{name}"));

    /// <summary>The only container of a service.</summary>
    public V1Container Container(string service) => Pods.SelectMany(pod => pod.Containers).Single(container => container.Name == service);

    /// <summary>The variables of a service, with those from ConfigMaps. Values from elsewhere are null.</summary>
    public Dictionary<string, string?> EnvironmentOf(string service)
    {
        var container = Container(service);
        var variables = new Dictionary<string, string?>();
        foreach (var source in container.EnvFrom)
            foreach (var (name, value) in Objects.Of<V1ConfigMap>().Single(map => map.Metadata.Name == source.ConfigMapRef.Name).Data)
                variables[name] = value;
        foreach (var variable in container.Env)
            variables[variable.Name] = variable.Value;
        return variables;
    }
}
