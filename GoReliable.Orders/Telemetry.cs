using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace GoReliable.Orders;

/// <summary>All instruments, spans and tag names of the order service. Reference: docs/telemetry.md.</summary>
internal sealed class Telemetry
{
    /// <summary>Name of the meter and of the activity source.</summary>
    public const string Name = "GoReliable.Orders";

    /// <summary>Spans of this service.</summary>
    public static readonly ActivitySource Source = new(Name);

    // From a primary key look-up to a statement that waits for a lock or a disk.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5],
    };

    private readonly Meter meter;
    private readonly Counter<long> ordersCreated;
    private readonly Counter<long> statusTransitions;
    private readonly Counter<long> idempotentReplays;
    private readonly Counter<long> messagesPublished;
    private readonly Histogram<double> operationDuration;
    private readonly Histogram<double> queryDuration;
    private readonly Histogram<double> publishDuration;

    public Telemetry(IMeterFactory meters)
    {
        meter = meters.Create(Name);
        ordersCreated = meter.CreateCounter<long>(
            "goreliable.order_service.orders_created",
            "{order}",
            "Orders accepted, by currency"
        );
        statusTransitions = meter.CreateCounter<long>(
            "goreliable.order_service.order_status_transitions",
            "{transition}",
            "Orders confirmed and cancelled"
        );
        idempotentReplays = meter.CreateCounter<long>(
            "goreliable.order_service.idempotent_replays",
            "{request}",
            "Requests answered with the first answer to their Idempotency-Key"
        );
        messagesPublished = meter.CreateCounter<long>(
            "goreliable.order_service.outbox_messages_published",
            "{message}",
            "Outbox messages handed to the broker, by its answer"
        );
        operationDuration = meter.CreateHistogram(
            "goreliable.order_service.order_operation_duration",
            "s",
            "Duration of operations on orders",
            advice: Seconds
        );
        queryDuration = meter.CreateHistogram(
            "goreliable.order_service.db_query_duration",
            "s",
            "Duration of database queries",
            advice: Seconds
        );
        publishDuration = meter.CreateHistogram(
            "goreliable.order_service.outbox_publish_duration",
            "s",
            "Time from publishing an outbox message to the broker's confirm",
            advice: Seconds
        );

        // Ratios and alerts need their series from the start, at zero.
        idempotentReplays.Add(0);
        foreach (var result in PublishResult.All)
            messagesPublished.Add(0, new KeyValuePair<string, object?>("result", result));
        statusTransitions.Add(0, new("from", "pending"), new("to", "confirmed"));
        statusTransitions.Add(0, new("from", "pending"), new("to", "cancelled"));
        statusTransitions.Add(0, new("from", "confirmed"), new("to", "cancelled"));
    }

    /// <summary>Adds the gauges of the outbox; null means that nothing is known.</summary>
    public void ObserveOutbox(Func<long?> pending, Func<TimeSpan?> oldestAge, Func<long?> setAside)
    {
        meter.CreateObservableGauge(
            "goreliable.order_service.outbox_pending_messages",
            () => Known(pending()),
            "{message}",
            "Outbox messages that the broker has not confirmed"
        );
        meter.CreateObservableGauge(
            "goreliable.order_service.outbox_oldest_message_age",
            () => Known(oldestAge()?.TotalSeconds),
            "s",
            "Age of the oldest outbox message; 0 when there is none"
        );
        meter.CreateObservableGauge(
            "goreliable.order_service.outbox_set_aside_messages",
            () => Known(setAside()),
            "{message}",
            "Outbox messages that wait for an operator, since the broker does not take them"
        );

        static IEnumerable<Measurement<T>> Known<T>(T? value)
            where T : struct => value is { } known ? [new(known)] : [];
    }

    /// <summary>Marks a span as failed; an exception filter that lets the exception pass.</summary>
    public static bool MarkFailed(Activity? activity, Exception exception)
    {
        activity
            ?.SetStatus(ActivityStatusCode.Error, exception.Message)
            .SetTag("error.type", exception.GetType().FullName);
        return false;
    }

    public void OrderCreated(string currency) =>
        ordersCreated.Add(1, new KeyValuePair<string, object?>("currency", currency));

    public void StatusChanged(string from, string to) => statusTransitions.Add(1, new("from", from), new("to", to));

    public void Replayed() => idempotentReplays.Add(1);

    public void Published(string result, TimeSpan duration)
    {
        messagesPublished.Add(1, new KeyValuePair<string, object?>("result", result));
        // A time-out would look like a slow broker.
        if (result == PublishResult.Confirmed)
            publishDuration.Record(duration.TotalSeconds);
    }

    /// <summary>Measures an operation on orders from now until it is disposed.</summary>
    public Timing Operation(string operation) => new(operationDuration, "operation", operation);

    /// <summary>Measures a database query from now until it is disposed.</summary>
    public Timing Query(string query, CancellationToken caller = default) => new(queryDuration, "query", query, caller);

    /// <summary>
    /// One timed piece of work. Without a result it has failed, or was cancelled because the caller went away.
    /// </summary>
    internal sealed class Timing(
        Histogram<double> histogram,
        string tag,
        string value,
        CancellationToken caller = default
    ) : IDisposable
    {
        private readonly long started = Stopwatch.GetTimestamp();
        private string? result;

        /// <summary>How it ended: a value of a small closed set.</summary>
        public string Result
        {
            get => result ?? (caller.IsCancellationRequested ? "cancelled" : "error");
            set => result = value;
        }

        public void Succeeded() => Result = "ok";

        public void Dispose() =>
            histogram.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, new(tag, value), new("result", Result));
    }

    /// <summary>What the broker said to a published message.</summary>
    internal static class PublishResult
    {
        public const string Confirmed = "confirmed";
        public const string Returned = "returned";
        public const string Failed = "failed";
        public static readonly string[] All = [Confirmed, Returned, Failed];
    }
}
