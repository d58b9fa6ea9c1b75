using System.Globalization;
using System.Text;

namespace OtlpReceiver;

/// <summary>Says why a wait failed: what is missing, and what there is instead.</summary>
internal static class Shortfall
{
    private const int ItemsShown = 20;

    /// <summary>The names of which the trace has too few spans, once per span that is missing.</summary>
    public static IReadOnlyList<string> Missing(SpanTree tree, IEnumerable<string> spanNames) =>
        [.. spanNames.GroupBy(name => name).SelectMany(group => group.Skip(tree.Named(group.Key).Count))];

    public static string OfTrace(OtlpEndpoint otlp, SpanTree tree, IReadOnlyCollection<string> spanNames)
    {
        var missing = Missing(tree, spanNames);
        return OfTrace(
            otlp,
            tree,
            missing.Count > 0
                ? "missing " + string.Join(", ", missing.Select(name => $"\"{name}\""))
                : "all names are there, but parents between them are not"
        );
    }

    public static string OfTrace(OtlpEndpoint otlp, SpanTree tree, string problem)
    {
        var text = new StringBuilder().AppendLine(
            CultureInfo.InvariantCulture,
            $"trace {tree.TraceId} is not as wanted: {problem}"
        );
        if (tree.Spans.Count > 0)
        {
            text.Append(tree);
        }
        else
        {
            var all = otlp.Spans();
            text.AppendLine("Nothing came of this trace. Other traces, the latest last:");
            foreach (var other in all.GroupBy(s => s.TraceId).TakeLast(ItemsShown))
            {
                var services = string.Join(", ", other.Select(s => s.Service).Distinct());
                text.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"  {other.Key}: {other.Count()} spans of {services}, first {other.First().Name}"
                );
            }
        }

        foreach (var log in otlp.Logs(tree.TraceId))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"log {log}");
        }

        return text.Append(DroppedText(otlp.Dropped.Spans)).ToString();
    }

    public static string OfItems<T>(string what, string condition, IReadOnlyList<T> received, long dropped)
        where T : ReceivedItem
    {
        var text = new StringBuilder().AppendLine(
            CultureInfo.InvariantCulture,
            $"no {what} with {condition}. Received: {received.Count}, the latest last:"
        );
        foreach (var item in received.TakeLast(ItemsShown))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {item}");
        }

        return text.Append(DroppedText(dropped)).ToString();
    }

    private static string DroppedText(long dropped) =>
        dropped == 0 ? "" : $"{dropped} older ones had to be dropped: raise {nameof(OtlpEndpointOptions.Capacity)}?";
}
