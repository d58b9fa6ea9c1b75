using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace OtlpReceiver;

public sealed partial class OtlpEndpoint
{
    /// <summary>What had to be dropped to stay within the bound.</summary>
    public DroppedCounts Dropped => _store.Dropped;

    /// <summary>The spans kept, in the order of their arrival.</summary>
    public IReadOnlyList<ReceivedSpan> Spans() => _store.Spans(_ => true);

    /// <summary>What has come of a trace so far; possibly nothing.</summary>
    /// <exception cref="ArgumentException">That is no trace id.</exception>
    public SpanTree Trace(string traceId)
    {
        Check(traceId);
        return new SpanTree(traceId, _store.Spans(s => s.TraceId == traceId));
    }

    /// <summary>The log records kept, in the order of their arrival.</summary>
    public IReadOnlyList<ReceivedLog> Logs() => _store.Logs(_ => true);

    /// <summary>The log records of a trace, by time.</summary>
    /// <exception cref="ArgumentException">That is no trace id.</exception>
    public IReadOnlyList<ReceivedLog> Logs(string traceId)
    {
        Check(traceId);
        return [.. _store.Logs(l => l.TraceId == traceId).OrderBy(l => l.Time)];
    }

    /// <summary>The latest point of every series, the one heard of longest ago first.</summary>
    public IReadOnlyList<ReceivedMetricPoint> Metrics() => _store.Points(_ => true);

    /// <summary>
    /// Waits until a trace has spans of all these names – of a name that is given twice, two – and is connected.
    /// </summary>
    /// <exception cref="ArgumentException">That is no trace id.</exception>
    /// <exception cref="TimeoutException">They did not come in time; the message shows what did.</exception>
    public Task<SpanTree> WaitForTraceAsync(
        string traceId,
        IReadOnlyCollection<string> spanNames,
        CancellationToken cancellationToken
    ) =>
        WaitAsync(
            () =>
                Trace(traceId) is { IsConnected: true } tree && Shortfall.Missing(tree, spanNames).Count == 0
                    ? tree
                    : null,
            () => Shortfall.OfTrace(this, Trace(traceId), spanNames),
            cancellationToken
        );

    /// <summary>Waits until a trace is as wanted, connected or not.</summary>
    /// <exception cref="ArgumentException">That is no trace id.</exception>
    /// <exception cref="TimeoutException">It did not become so in time; the message shows what it is.</exception>
    public Task<SpanTree> WaitForTraceAsync(
        string traceId,
        Func<SpanTree, bool> predicate,
        CancellationToken cancellationToken,
        [CallerArgumentExpression(nameof(predicate))] string condition = ""
    ) =>
        WaitAsync(
            () => Trace(traceId) is var tree && predicate(tree) ? tree : null,
            () => Shortfall.OfTrace(this, Trace(traceId), condition),
            cancellationToken
        );

    /// <summary>Waits for a span that fits, and returns the first that came.</summary>
    /// <exception cref="TimeoutException">None came in time; the message shows the latest spans.</exception>
    public Task<ReceivedSpan> WaitForSpanAsync(
        Func<ReceivedSpan, bool> predicate,
        CancellationToken cancellationToken,
        [CallerArgumentExpression(nameof(predicate))] string condition = ""
    ) =>
        WaitAsync(
            () => _store.Spans(predicate) is [var first, ..] ? first : null,
            () => Shortfall.OfItems("span", condition, Spans(), Dropped.Spans),
            cancellationToken
        );

    /// <summary>Waits for a log record that fits, and returns the first that came.</summary>
    /// <exception cref="TimeoutException">None came in time; the message shows the latest log records.</exception>
    public Task<ReceivedLog> WaitForLogAsync(
        Func<ReceivedLog, bool> predicate,
        CancellationToken cancellationToken,
        [CallerArgumentExpression(nameof(predicate))] string condition = ""
    ) =>
        WaitAsync(
            () => _store.Logs(predicate) is [var first, ..] ? first : null,
            () => Shortfall.OfItems("log record", condition, Logs(), Dropped.Logs),
            cancellationToken
        );

    /// <summary>Waits until the latest point of some series of a metric fits, and returns it.</summary>
    /// <exception cref="TimeoutException">None did in time; the message shows the metric's series.</exception>
    public Task<ReceivedMetricPoint> WaitForMetricAsync(
        string name,
        Func<ReceivedMetricPoint, bool> predicate,
        CancellationToken cancellationToken,
        [CallerArgumentExpression(nameof(predicate))] string condition = ""
    ) =>
        WaitAsync(
            () => _store.Points(p => p.Name == name && predicate(p)) is [var first, ..] ? first : null,
            () => Shortfall.OfItems($"point of {name}", condition, _store.Points(p => p.Name == name), Dropped.Series),
            cancellationToken
        );

    private async Task<T> WaitAsync<T>(Func<T?> look, Func<string> explain, CancellationToken cancellationToken)
        where T : class
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var arrival = _store.NextArrival;
            if (look() is { } found)
            {
                return found;
            }

            var left = _waitTimeout - Stopwatch.GetElapsedTime(started);
            try
            {
                await arrival.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellationToken);
            }
            catch (TimeoutException)
            {
                throw new TimeoutException($"After {_waitTimeout.TotalSeconds:0.#} s: {explain()}");
            }
        }
    }

    private static void Check(string traceId)
    {
        if (traceId.Length != 32 || !traceId.All(char.IsAsciiHexDigitLower))
        {
            throw new ArgumentException($"A trace id is 32 lower-case hex digits, not '{traceId}'.", nameof(traceId));
        }
    }
}
