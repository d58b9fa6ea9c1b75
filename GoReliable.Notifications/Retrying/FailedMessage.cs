using System.Globalization;
using System.Text;
using GoReliable.Messaging;
using GoReliable.Notifications.Messages;
using RabbitMQ.Client;

namespace GoReliable.Notifications.Retrying;

/// <summary>
/// The copy of a message that goes to a retry queue or to the dead letters: same id, same trace, one attempt more.
/// </summary>
internal static class FailedMessage
{
    private const int MaxTextLength = 1000;

    // Of a property, in UTF-8.
    private const int MaxPropertyBytes = 255;

    // The broker's own account of earlier dead-lettering. With it in the copy, RabbitMQ would take the second round
    // through the retry queues for a cycle, and drop the message: https://www.rabbitmq.com/docs/dlx#cycles
    private static readonly string[] BrokerHeaders =
    [
        "x-death",
        "x-first-death-",
        "x-last-death-",
        MessageHeaders.DeliveryCount,
    ];

    // Headers that name more queues to deliver to. A poisonous message with CC: notifications would multiply.
    private static readonly string[] ExtraRecipientHeaders = ["CC", "BCC"];

    // What the last round through the worker left behind.
    private static readonly string[] AttemptHeaders =
    [
        MessageHeaders.Attempt,
        MessageHeaders.Deferrals,
        MessageHeaders.DeadAt,
        MessageHeaders.DeadReason,
        MessageHeaders.ExceptionType,
        MessageHeaders.ExceptionMessage,
    ];

    // What the worker or the order service write.
    private static readonly string[] OwnHeaders =
    [
        .. AttemptHeaders,
        MessageHeaders.TraceParent,
        MessageHeaders.TraceState,
        MessageHeaders.FirstFailure,
        MessageHeaders.Redriven,
    ];

    public static BasicProperties ForRetry(Message message, ScheduledRetry retry, DateTimeOffset now) =>
        WithExpiration(Copy(message, now), retry);

    /// <summary>A message that was not tried: no attempt is counted.</summary>
    public static BasicProperties ForDeferral(Message message, int deferrals, ScheduledRetry retry)
    {
        var copy = Copy(message.Properties);
        copy.Headers![MessageHeaders.Deferrals] = deferrals;
        return WithExpiration(copy, retry);
    }

    public static BasicProperties ForDeadLetter(Message message, Failure failure, DateTimeOffset now)
    {
        var copy = Copy(message, now);
        copy.Headers![MessageHeaders.DeadAt] = Format(now);
        copy.Headers[MessageHeaders.DeadReason] = failure.Permanent ? failure.Reason : Failure.RetriesExhausted;
        copy.Headers[MessageHeaders.ExceptionType] = failure.Type;
        copy.Headers[MessageHeaders.ExceptionMessage] =
            failure.Detail.Length > MaxTextLength ? failure.Detail[..MaxTextLength] : failure.Detail;
        return copy;
    }

    /// <summary>
    /// A dead letter that is put back: its attempts are counted anew; when it first failed, and its trace, stay.
    /// </summary>
    public static BasicProperties ForRedrive(IReadOnlyBasicProperties dead, int redriven)
    {
        var copy = Copy(dead);
        foreach (var name in AttemptHeaders)
            copy.Headers!.Remove(name);
        copy.Headers![MessageHeaders.Redriven] = redriven;
        return copy;
    }

    /// <summary>Leaves out what others wrote: their headers and properties, and what they wrote into ours.</summary>
    public static BasicProperties KeepOwn(BasicProperties properties) =>
        new()
        {
            Persistent = true,
            ContentType = CloudEvents.ContentType,
            Expiration = properties.Expiration,
            // A byte that is not UTF-8 was decoded to a character of three.
            MessageId =
                Encoding.UTF8.GetByteCount(properties.MessageId ?? "") <= MaxPropertyBytes
                    ? properties.MessageId
                    : null,
            Headers = properties
                .Headers?.Where(header =>
                    OwnHeaders.Contains(header.Key)
                    && header.Value is string or int or byte[] { Length: <= MaxTextLength }
                )
                .ToDictionary(),
        };

    private static BasicProperties WithExpiration(BasicProperties copy, ScheduledRetry retry)
    {
        copy.Expiration = ((long)retry.Delay.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        return copy;
    }

    private static BasicProperties Copy(Message message, DateTimeOffset now)
    {
        var copy = Copy(message.Properties);
        copy.Headers![MessageHeaders.Attempt] = message.Attempt;
        copy.Headers.Remove(MessageHeaders.Deferrals);
        copy.Headers.TryAdd(MessageHeaders.FirstFailure, Format(now));
        return copy;
    }

    private static BasicProperties Copy(IReadOnlyBasicProperties properties)
    {
        var headers = new Dictionary<string, object?>();
        foreach (var (name, value) in properties.Headers ?? new Dictionary<string, object?>())
        {
            if (
                !BrokerHeaders.Any(own => name.StartsWith(own, StringComparison.Ordinal))
                && !ExtraRecipientHeaders.Contains(name)
            )
                headers[name] = value;
        }

        var copy = new BasicProperties(properties) { Headers = headers, Persistent = true };
        copy.ClearExpiration();
        // The broker closes the channel of a client that publishes under another user's name.
        copy.ClearUserId();
        return copy;
    }

    private static string Format(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
}
