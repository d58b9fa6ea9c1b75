using System.Diagnostics;
using GoReliable.Messaging;

namespace GoReliable.Notifications.Messages;

/// <summary>
/// The CONSUMER span of a message, named after OpenTelemetry's messaging conventions. Each message of a batch has its
/// own, as a child of the producer's: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
/// </summary>
internal static class MessageSpan
{
    public static Activity? Start(Message message)
    {
        // Messages that return from a retry queue come from the default exchange, with the queue's name as their key.
        var destination =
            message.Exchange.Length == 0
                ? OrderTopology.Queue
                : $"{message.Exchange}:{message.RoutingKey}:{OrderTopology.Queue}";
        ActivityContext.TryParse(
            message.Header(MessageHeaders.TraceParent),
            message.Header(MessageHeaders.TraceState),
            isRemote: true,
            out var producer
        );

        // No parent but the producer: whatever happens to be current here belongs to another message.
        Activity.Current = null;
        var activity = Telemetry.Source.StartActivity($"process {destination}", ActivityKind.Consumer, producer);
        Activity.Current = null;
        if (activity is not { IsAllDataRequested: true })
            return activity;

        activity.SetTag("messaging.system", "rabbitmq");
        activity.SetTag("messaging.operation.name", "process");
        activity.SetTag("messaging.operation.type", "process");
        activity.SetTag("messaging.destination.name", destination);
        activity.SetTag("messaging.rabbitmq.destination.routing_key", message.RoutingKey);
        activity.SetTag("messaging.rabbitmq.message.delivery_tag", (long)message.Tag);
        activity.SetTag("messaging.message.id", message.Properties.MessageId);
        activity.SetTag(Telemetry.Attempt, message.Attempt);
        if (message.Event is { } @event)
            activity.SetTag(Telemetry.OrderId, @event.OrderId.ToString());
        return activity;
    }

    /// <summary>Lets log lines about a message carry its trace where no work is done that needs a span.</summary>
    public static Activity? Follow(Message message) =>
        message.Header(MessageHeaders.TraceParent) is { } parent && ActivityContext.TryParse(parent, null, out _)
            ? new Activity("message").SetParentId(parent).Start()
            : null;

    public static void Fail(Activity? activity, Failure failure)
    {
        if (activity is not { IsAllDataRequested: true })
            return;
        var type = failure.Type.Length > 0 ? failure.Type : failure.Reason;
        activity.SetTag("error.type", type);
        activity.SetStatus(ActivityStatusCode.Error, failure.Summary);
        activity.AddEvent(
            new ActivityEvent(
                "exception",
                tags: new() { ["exception.type"] = type, ["exception.message"] = failure.Summary }
            )
        );
    }
}
