using System.Collections.Concurrent;
using k8s;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>What kustomize makes of a folder, every object read strictly against its type.</summary>
internal sealed class KubernetesObjects
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<KubernetesObjects>>> Built = new();

    private KubernetesObjects(string text, IReadOnlyList<Entry> all) => (Text, All) = (text, all);

    internal sealed record Entry(string ApiVersion, string Kind, string? Namespace, string Name, object Object)
    {
        public required IReadOnlyDictionary<string, string> Annotations { get; init; }
    }

    /// <summary>All of them, as YAML.</summary>
    public string Text { get; }

    public IReadOnlyList<Entry> All { get; }

    /// <summary>All objects of a type of Kubernetes itself.</summary>
    public IReadOnlyList<T> Of<T>() => [.. All.Select(entry => entry.Object).OfType<T>()];

    /// <summary>All objects of a type of an operator.</summary>
    public IReadOnlyList<CustomResource<TSpec>> Custom<TSpec>() => Of<CustomResource<TSpec>>();

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

    private static Entry ParseOne(string document)
    {
        var head = Node.Parse(document);
        var (apiVersion, kind) = (head["apiVersion"]!.Text!, head["kind"]!.Text!);
        var metadata = head["metadata"]!;
        try
        {
            var value = CustomResources.Parse(apiVersion, kind, document)
                ?? KubernetesYaml.LoadAllFromString(document, strict: true).Single();
            var annotations = metadata["annotations"];
            return new(apiVersion, kind, metadata["namespace"]?.Text, metadata["name"]!.Text!, value)
            {
                Annotations = (annotations?.Keys ?? []).ToDictionary(name => name, name => annotations![name]!.Text!),
            };
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException(
                $"{kind}/{metadata["name"]!.Text} does not fit its type: "
                    + $"{exception.InnerException?.Message ?? exception.Message}",
                exception
            );
        }
    }
}
