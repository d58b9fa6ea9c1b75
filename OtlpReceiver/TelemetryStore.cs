namespace OtlpReceiver;

/// <summary>
/// Remembers the newest spans, log records and metric series, and tells who waits that something came.
/// </summary>
internal sealed class TelemetryStore(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Queue<ReceivedSpan> _spans = [];
    private readonly Queue<ReceivedLog> _logs = [];

    // Series in the order of their last point, so that the first is the one to drop.
    private readonly LinkedList<ReceivedMetricPoint> _points = [];
    private readonly Dictionary<string, LinkedListNode<ReceivedMetricPoint>> _series = [];
    private DroppedCounts _dropped;
    private volatile TaskCompletionSource _arrival = NewArrival();

    /// <summary>
    /// Completes at the next arrival. Take it before looking: what comes in between then completes it.
    /// </summary>
    public Task NextArrival => _arrival.Task;

    public DroppedCounts Dropped
    {
        get
        {
            lock (_gate)
            {
                return _dropped;
            }
        }
    }

    public IReadOnlyList<ReceivedSpan> Spans(Func<ReceivedSpan, bool> where) => Snapshot(_spans, where);

    public IReadOnlyList<ReceivedLog> Logs(Func<ReceivedLog, bool> where) => Snapshot(_logs, where);

    public IReadOnlyList<ReceivedMetricPoint> Points(Func<ReceivedMetricPoint, bool> where) => Snapshot(_points, where);

    public void Add(IReadOnlyCollection<ReceivedSpan> spans)
    {
        lock (_gate)
        {
            _dropped = _dropped with { Spans = _dropped.Spans + Add(_spans, spans) };
        }

        Wake();
    }

    public void Add(IReadOnlyCollection<ReceivedLog> logs)
    {
        lock (_gate)
        {
            _dropped = _dropped with { Logs = _dropped.Logs + Add(_logs, logs) };
        }

        Wake();
    }

    public void Add(IReadOnlyCollection<ReceivedMetricPoint> points)
    {
        lock (_gate)
        {
            foreach (var point in points)
            {
                Add(point);
            }
        }

        Wake();
    }

    private void Add(ReceivedMetricPoint point)
    {
        var key = point.SeriesKey;
        if (_series.Remove(key, out var previous))
        {
            _points.Remove(previous);
        }
        else if (_points.Count == capacity)
        {
            _series.Remove(_points.First!.Value.SeriesKey);
            _points.RemoveFirst();
            _dropped = _dropped with { Series = _dropped.Series + 1 };
        }

        _series[key] = _points.AddLast(point);
    }

    private int Add<T>(Queue<T> kept, IReadOnlyCollection<T> items)
    {
        var dropped = 0;
        foreach (var item in items)
        {
            if (kept.Count == capacity)
            {
                kept.Dequeue();
                dropped++;
            }

            kept.Enqueue(item);
        }

        return dropped;
    }

    private IReadOnlyList<T> Snapshot<T>(IEnumerable<T> kept, Func<T, bool> where)
    {
        T[] copy;
        lock (_gate)
        {
            copy = [.. kept];
        }

        // Outside the lock: the condition is the caller's code and may take its time, or look here again.
        return [.. copy.Where(where)];
    }

    private void Wake() => Interlocked.Exchange(ref _arrival, NewArrival()).SetResult();

    // Waiters go on elsewhere, not on the thread that is answering a sender.
    private static TaskCompletionSource NewArrival() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
