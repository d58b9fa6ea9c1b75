using System.Diagnostics;
using System.Diagnostics.Metrics;
using GoReliable.Notifications.Messages;

namespace GoReliable.Notifications;

/// <summary>Every instrument of the notification worker, its activity source and the names of its tags.</summary>
internal sealed class Telemetry
{
    public static readonly ActivitySource Source = new("GoReliable.Notifications");

    public const string OrderId = "goreliable.order.id";
    public const string Attempt = "goreliable.delivery.attempt";
    public const string Channel = "goreliable.delivery.channel";

    private const string TransientFailure = "transient_failure";
    private const string PermanentFailure = "permanent_failure";
    private const string Prefix = "goreliable.notification_worker.";

    private readonly Meter meter;
    private readonly Counter<long> processed;
    private readonly Histogram<double> processingDuration;
    private readonly UpDownCounter<long> inFlight;
    private readonly Counter<long> attempts;
    private readonly Histogram<double> latency;
    private long processedSoFar;

    public Telemetry(IMeterFactory meters)
    {
        meter = meters.Create("GoReliable.Notifications");

        processed = meter.CreateCounter<long>(
            Prefix + "messages_processed",
            "{message}",
            "Total number of messages processed"
        );
        processingDuration = meter.CreateHistogram(
            Prefix + "message_processing_duration",
            "s",
            "Message processing duration in seconds, from taken to acknowledged",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10],
            }
        );
        inFlight = meter.CreateUpDownCounter<long>(
            Prefix + "messages_in_flight",
            "{message}",
            "Number of messages currently being processed"
        );
        attempts = meter.CreateCounter<long>(
            Prefix + "delivery_attempts",
            "{attempt}",
            "Total number of attempts to deliver a notification"
        );
        latency = meter.CreateHistogram(
            Prefix + "delivery_latency",
            "s",
            "Time from an order event to its delivered notification in seconds",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60],
            }
        );

        StartAtZero();
    }

    public void MessageTaken() => inFlight.Add(1);

    public void MessageAbandoned() => inFlight.Add(-1);

    /// <summary>Messages processed since the start, with whatever result.</summary>
    public long Processed => Interlocked.Read(ref processedSoFar);

    public void MessageProcessed(string eventType, string outcome, TimeSpan duration)
    {
        var tags = new TagList { { "event_type", eventType }, { "result", outcome } };
        Interlocked.Increment(ref processedSoFar);
        inFlight.Add(-1);
        processed.Add(1, tags);
        processingDuration.Record(duration.TotalSeconds, tags);
    }

    /// <summary>Counts an attempt; <paramref name="failure"/> is null where it succeeded.</summary>
    public void DeliveryAttempted(string channel, Failure? failure)
    {
        var result = failure switch
        {
            null => Outcome.Delivered,
            { Permanent: true } => PermanentFailure,
            _ => TransientFailure,
        };
        attempts.Add(1, new TagList { { "channel", channel }, { "result", result } });
    }

    // The clocks of two machines may disagree by more than a delivery takes.
    public void Delivered(TimeSpan sinceEvent) => latency.Record(Math.Max(0, sinceEvent.TotalSeconds));

    /// <summary>
    /// Number of messages per queue, as last sampled. Nothing is reported where there is no fresh sample.
    /// </summary>
    public void ObserveQueues(Func<IEnumerable<Measurement<long>>> sample) =>
        meter.CreateObservableGauge(
            Prefix + "queue_messages",
            sample,
            "{message}",
            "Number of messages waiting in a queue"
        );

    /// <summary>How long nothing was processed although there is something to process.</summary>
    public void ObserveProgress(Func<TimeSpan> stalled) =>
        meter.CreateObservableGauge(
            Prefix + "consumer_stalled",
            () => stalled().TotalSeconds,
            "s",
            "Time for which no message was processed although the queue or the worker has some, in seconds"
        );

    // An increase from nothing to one is invisible to rate(): series that alerts and ratios need exist from the start.
    private void StartAtZero()
    {
        inFlight.Add(0);
        foreach (var type in OrderEventType.All)
        foreach (var outcome in new[] { Outcome.Delivered, Outcome.Duplicate, Outcome.Retried, Outcome.DeadLettered })
            processed.Add(0, new TagList { { "event_type", type.Name }, { "result", outcome } });
        processed.Add(0, new TagList { { "event_type", OrderEventType.Unknown }, { "result", Outcome.DeadLettered } });

        foreach (var channel in Delivery.Channels.Names)
        foreach (var result in new[] { Outcome.Delivered, TransientFailure, PermanentFailure })
            attempts.Add(0, new TagList { { "channel", channel }, { "result", result } });
    }
}
