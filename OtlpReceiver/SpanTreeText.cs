using System.Globalization;
using System.Text;

namespace OtlpReceiver;

/// <summary>
/// Draws a <see cref="SpanTree"/>: a line per span, children below their parent, with the time since the first start.
/// </summary>
internal static class SpanTreeText
{
    public static string Draw(SpanTree tree)
    {
        var text = new StringBuilder();
        var services = string.Join(", ", tree.Spans.Select(s => s.Service).Distinct());
        text.AppendLine(CultureInfo.InvariantCulture, $"trace {tree.TraceId}: {tree.Spans.Count} spans of {services}");

        // A stack of our own: a sender decides how deep a trace is.
        var open = new Stack<(ReceivedSpan Span, string Indent, bool IsLast)>();
        Push(open, tree.Roots, "");
        while (open.TryPop(out var next))
        {
            var (span, indent, isLast) = next;
            var begin = (span.Start - tree.Spans[0].Start).TotalMilliseconds;
            var parent =
                span.ParentSpanId is { } id && tree.ParentOf(span) is null ? $" (parent {id} has not come)" : "";
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"{indent}{(isLast ? "└─ " : "├─ ")}{span} +{begin:0.0} ms{parent}"
            );
            Push(open, tree.ChildrenOf(span), indent + (isLast ? "   " : "│  "));
        }

        return text.ToString();
    }

    private static void Push(Stack<(ReceivedSpan, string, bool)> open, IReadOnlyList<ReceivedSpan> spans, string indent)
    {
        for (var i = spans.Count - 1; i >= 0; i--)
        {
            open.Push((spans[i], indent, i == spans.Count - 1));
        }
    }
}
