using System.Collections.Concurrent;
using k8s;
using k8s.Models;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>What kustomize makes of a folder, every object read strictly against its type.</summary>
internal sealed class KubernetesObjects
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<KubernetesObjects>>> Built = new();

    private KubernetesObjects(string text, IReadOnlyList<IKubernetesObject<V1ObjectMeta>> all) =>
        (Text, All) = (text, all);

    /// <summary>All of them, as YAML.</summary>
    public string Text { get; }

    public IReadOnlyList<IKubernetesObject<V1ObjectMeta>> All { get; }

    /// <summary>All objects of a type of Kubernetes itself.</summary>
    public IReadOnlyList<T> Of<T>() => [.. All.OfType<T>()];

    /// <summary>All objects of a type of an operator.</summary>
    public IReadOnlyList<CustomResource<TSpec>> Custom<TSpec>() => Of<CustomResource<TSpec>>();

    /// <summary>The only object of such a type.</summary>
    public CustomResource<TSpec> Only<TSpec>() => Assert.Single(Custom<TSpec>());

    /// <summary>
    /// Builds a folder with <c>kubectl kustomize</c>, which is kustomize's own library; once for all tests.
    /// </summary>
    public static Task<KubernetesObjects> BuildAsync(string folder) =>
        Built.GetOrAdd(folder, _ => new(() => RunKustomizeAsync(folder))).Value;

    public static KubernetesObjects Parse(string text) =>
        new(
            text,
            [
                .. text.Split("\n---\n")
                    .Select(document => document.Trim())
                    .Where(document => document.Length > 0)
                    .Select(ParseOne),
            ]
        );

    private static async Task<KubernetesObjects> RunKustomizeAsync(string folder)
    {
        var (exitCode, output) = await Tool.RunAsync(
            "kubectl",
            "https://kubernetes.io/docs/tasks/tools/",
            "kustomize",
            DeployFiles.Path(folder)
        );
        Assert.True(exitCode == 0, output);
        return Parse(output);
    }

    private static IKubernetesObject<V1ObjectMeta> ParseOne(string document)
    {
        var head = Node.Parse(document);
        var (apiVersion, kind) = (head["apiVersion"]!.Text!, head["kind"]!.Text!);
        try
        {
            return CustomResources.Parse(apiVersion, kind, document)
                ?? (IKubernetesObject<V1ObjectMeta>)KubernetesYaml.LoadAllFromString(document, strict: true).Single();
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException(
                $"{kind}/{head["metadata", "name"].Text} does not fit its type: "
                    + $"{exception.InnerException?.Message ?? exception.Message}",
                exception
            );
        }
    }
}
