using System.Diagnostics;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// The spans of inserts that are executed together: Npgsql's own is in the trace of the first order, and each of the
/// others gets one in its own trace, with a link to the first.
/// </summary>
internal sealed class InsertSpans : IDisposable
{
    private readonly List<Activity> others = [];

    /// <summary>Starts them, and makes the first order's span the current one.</summary>
    public InsertSpans(List<InsertOrder> inserts)
    {
        var first = inserts[0].Activity;
        foreach (var insert in inserts.Skip(1))
            if (insert.Activity is { Recorded: true } own && Start(insert.SpanName, own, first) is { } span)
                others.Add(span.SetTag("db.operation.batch.size", inserts.Count));
        Activity.Current = first;
    }

    /// <summary>An exception filter that lets the exception pass.</summary>
    public bool MarkFailed(Exception exception)
    {
        foreach (var span in others)
            Telemetry.MarkFailed(span, exception);
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var span in others)
            span.Dispose();
    }

    // https://opentelemetry.io/docs/specs/semconv/database/database-spans/
    private static Activity? Start(string name, Activity parent, Activity? first) =>
        Telemetry.Source.StartActivity(
            ActivityKind.Client,
            parent.Context,
            [new("db.system.name", "postgresql")],
            first is null ? null : [new ActivityLink(first.Context)],
            name: name
        );
}
