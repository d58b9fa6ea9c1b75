using YamlDotNet.Serialization;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// What <c>kustomize edit set image</c> makes of a file: it writes all of it anew, with its own indentation, keys in
/// alphabetical order, and each comment above the field of the top level that it was in
/// (https://github.com/kubernetes-sigs/kustomize/blob/master/kustomize/commands/internal/kustfile/kustomizationfile.go).
/// </summary>
internal static class KustomizeEdit
{
    private static readonly ISerializer Writer = new SerializerBuilder().WithNewLine("\n").Build();

    public static string SetImage(string text, string name, string newName, string newTag)
    {
        var fields = new DeserializerBuilder().Build().Deserialize<Dictionary<string, object>>(text);
        var others = fields.TryGetValue("images", out var images)
            ? ((List<object>)images).Cast<Dictionary<object, object>>().Where(image => (string)image["name"] != name)
            : [];
        fields["images"] = others
            .Append(
                new()
                {
                    ["name"] = name,
                    ["newName"] = newName,
                    ["newTag"] = newTag,
                }
            )
            .OrderBy(image => (string)image["name"], StringComparer.Ordinal)
            .ToList<object>();

        var comments = Comments(text);
        return string.Concat(
            fields.Select(field =>
                comments.GetValueOrDefault(field.Key, "")
                + Writer.Serialize(new Dictionary<string, object> { [field.Key] = Sorted(field.Value) })
            )
        );
    }

    private static Dictionary<string, string> Comments(string text)
    {
        var comments = new Dictionary<string, string>();
        var (field, pending) = ("", "");
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            if (line.TrimStart(' ') is "" or ['#', ..])
            {
                pending += line + "\n";
                continue;
            }
            if (char.IsAsciiLetter(line[0]))
                field = line.Split(':')[0];
            comments[field] = comments.GetValueOrDefault(field, "") + pending;
            pending = "";
        }
        return comments;
    }

    private static object Sorted(object value) =>
        value switch
        {
            List<object> list => list.ConvertAll(Sorted),
            Dictionary<object, object> map => new SortedDictionary<string, object>(
                map.ToDictionary(entry => (string)entry.Key, entry => Sorted(entry.Value)),
                StringComparer.Ordinal
            ),
            _ => value,
        };
}
