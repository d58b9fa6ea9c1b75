using YamlDotNet.RepresentationModel;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>A YAML value to walk through, for files whose schema is not ours.</summary>
internal sealed class Node
{
    private readonly YamlNode yaml;

    private Node(YamlNode yaml) => this.yaml = yaml;

    /// <summary>Reads a file of one document. A key that is there twice is an error.</summary>
    public static Node Load(string file) => Parse(DeployFiles.Read(file));

    /// <inheritdoc cref="Load"/>
    public static Node Parse(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return new(stream.Documents.Single().RootNode);
    }

    public string? Text => (yaml as YamlScalarNode)?.Value;

    public IReadOnlyList<string> Keys =>
        yaml is YamlMappingNode map ? [.. map.Children.Keys.Select(key => ((YamlScalarNode)key).Value!)] : [];

    public IReadOnlyList<Node> Items =>
        yaml is YamlSequenceNode list ? [.. list.Children.Select(item => new Node(item))] : [];

    /// <summary>A member of a map, or null.</summary>
    public Node? this[string key] =>
        yaml is YamlMappingNode map && map.Children.TryGetValue(key, out var value) ? new Node(value) : null;

    /// <summary>A member that must be there, by the keys that lead to it.</summary>
    public Node this[string first, string second, params string[] more] =>
        more.Prepend(second).Aggregate(this[first]!, (node, key) => node[key]!);

    /// <summary>All texts below, at any depth.</summary>
    public IEnumerable<string> Texts() =>
        yaml switch
        {
            YamlScalarNode scalar => [scalar.Value ?? ""],
            YamlSequenceNode => Items.SelectMany(item => item.Texts()),
            YamlMappingNode map => map.Children.Values.SelectMany(value => new Node(value).Texts()),
            _ => [],
        };

    /// <summary>This with another laid over it: maps by key, everything else as a whole.</summary>
    public Node MergedWith(Node over) => new(Merge(yaml, over.yaml));

    private static YamlNode Merge(YamlNode below, YamlNode above)
    {
        if (below is not YamlMappingNode map || above is not YamlMappingNode changes)
            return above;

        var merged = new YamlMappingNode(map.Children);
        foreach (var (key, value) in changes.Children)
            merged.Children[key] = merged.Children.TryGetValue(key, out var old) ? Merge(old, value) : value;
        return merged;
    }
}
