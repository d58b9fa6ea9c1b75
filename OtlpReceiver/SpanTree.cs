using System.Runtime.CompilerServices;

namespace OtlpReceiver;

/// <summary>The spans of one trace that had come when it was asked for. Its text is the tree, drawn.</summary>
public sealed class SpanTree
{
    private readonly Dictionary<string, ReceivedSpan> _byId;
    private readonly ILookup<string?, ReceivedSpan> _byParent;

    internal SpanTree(string traceId, IEnumerable<ReceivedSpan> spans)
    {
        TraceId = traceId;
        // A sender that missed our answer sends a span again.
        Spans = [.. spans.DistinctBy(s => s.SpanId).OrderBy(s => s.Start)];
        _byId = Spans.ToDictionary(s => s.SpanId);
        _byParent = Spans.ToLookup(s => s.ParentSpanId);
        Roots = [.. Spans.Where(s => ParentOf(s) is null)];
    }

    /// <summary>32 hex digits.</summary>
    public string TraceId { get; }

    /// <summary>All spans, by start.</summary>
    public IReadOnlyList<ReceivedSpan> Spans { get; }

    /// <summary>The spans without a parent, or with one that has not come (yet).</summary>
    public IReadOnlyList<ReceivedSpan> Roots { get; }

    /// <summary>
    /// Whether everything hangs on one parent. A parent ends, and comes, after its children: while some are missing
    /// there are several roots. Spans that share a parent outside (the caller's <c>traceparent</c>) count as one.
    /// </summary>
    public bool IsConnected => Roots.DistinctBy(s => s.ParentSpanId).Count() == 1;

    /// <summary>Null for a root.</summary>
    public ReceivedSpan? ParentOf(ReceivedSpan span) =>
        span.ParentSpanId is null ? null : _byId.GetValueOrDefault(span.ParentSpanId);

    public IReadOnlyList<ReceivedSpan> ChildrenOf(ReceivedSpan span) => [.. _byParent[span.SpanId]];

    /// <summary>All spans of that name, by start.</summary>
    public IReadOnlyList<ReceivedSpan> Named(string name) => [.. Spans.Where(s => s.Name == name)];

    /// <summary>The only span of that name.</summary>
    /// <exception cref="InvalidOperationException">
    /// There is none, or more than one; the message shows the tree.
    /// </exception>
    public ReceivedSpan Only(string name) => Only(Named(name), $"named \"{name}\"");

    /// <summary>The only span that fits.</summary>
    /// <exception cref="InvalidOperationException">
    /// There is none, or more than one; the message shows the tree.
    /// </exception>
    public ReceivedSpan Only(
        Func<ReceivedSpan, bool> predicate,
        [CallerArgumentExpression(nameof(predicate))] string condition = ""
    ) => Only([.. Spans.Where(predicate)], $"with {condition}");

    /// <inheritdoc/>
    public override string ToString() => SpanTreeText.Draw(this);

    private ReceivedSpan Only(IReadOnlyList<ReceivedSpan> found, string what) =>
        found is [var only]
            ? only
            : throw new InvalidOperationException(
                $"There are {found.Count} spans {what}, not one:{Environment.NewLine}{this}"
            );
}
