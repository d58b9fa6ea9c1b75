using System.Text;

namespace GoReliable.Tests.Files.Deploy;

/// <summary>
/// The rule files as objects of the Prometheus Operator. Kustomize can put a file into a ConfigMap but not into a
/// <c>PrometheusRule</c>, so the objects are kept as a file, and a test keeps that file equal to the rules.
/// </summary>
internal static class PrometheusRuleObjects
{
    public static string Render(IEnumerable<string> ruleFiles)
    {
        var text = new StringBuilder();
        text.Append(
            "# The rules of deploy/prometheus/rules for the Prometheus Operator: change those, not this file.\n"
        );
        text.Append("# A test compares the two and, where they differ, writes the file as it should be.\n");
        foreach (var file in ruleFiles)
        {
            text.Append(
                $"---\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n"
                    + $"  name: goreliable-{Path.GetFileNameWithoutExtension(file)}\nspec:\n"
            );
            foreach (var line in File.ReadLines(file).SkipWhile(line => line.StartsWith('#')))
                text.Append(line.Length == 0 ? "" : "  ").Append(line).Append('\n');
        }
        return text.ToString();
    }
}
