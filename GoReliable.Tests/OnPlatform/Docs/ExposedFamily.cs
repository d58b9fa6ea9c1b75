using System.Text.RegularExpressions;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Docs;

/// <summary>A metric as a service exposes it to Prometheus.</summary>
/// <param name="Name">As in its TYPE line.</param>
/// <param name="Type">counter, gauge or histogram.</param>
/// <param name="Series">The labels of each series, without a bucket's bound.</param>
internal sealed partial record ExposedFamily(string Name, string Type, List<IReadOnlyDictionary<string, string>> Series)
{
    private static readonly string[] OfBucketsOnly = ["le"];

    public bool IsOwn => Name.StartsWith("goreliable_", StringComparison.Ordinal);

    /// <summary>Scrapes a service.</summary>
    public static async Task<IReadOnlyList<ExposedFamily>> ScrapeAsync(GoReliablePlatform platform, string service)
    {
        using var management = platform.Management(service);
        var families = new List<ExposedFamily>();
        foreach (
            var line in (await management.GetStringAsync("/metrics", TestContext.Current.CancellationToken)).Split('\n')
        )
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal) && line.Split(' ') is [_, _, var name, var type])
                families.Add(new ExposedFamily(name, type, []));
            else if (line.Length > 0 && line[0] != '#')
                families[^1]
                    .Series.Add(
                        Label()
                            .Matches(line)
                            .Select(label => KeyValuePair.Create(label.Groups[1].Value, label.Groups[2].Value))
                            .ExceptBy(OfBucketsOnly, label => label.Key)
                            .ToDictionary()
                    );
        }
        return families;
    }

    [GeneratedRegex("""([a-zA-Z_][a-zA-Z0-9_]*)="([^"]*)""")]
    private static partial Regex Label();
}
