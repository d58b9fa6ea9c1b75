using System.Diagnostics;
using System.Globalization;
using System.Text;
using RabbitMQ.Client;

namespace GoReliable.Notifications.Messages;

/// <summary>What became of a message, as metrics say it.</summary>
internal static class Outcome
{
    public const string Delivered = "delivered";
    public const string Duplicate = "duplicate";
    public const string Retried = "retried";
    public const string DeadLettered = "dead_lettered";
}

/// <summary>Proof of a delivery.</summary>
internal sealed record Receipt(string Channel, DateTimeOffset SentAt)
{
    /// <summary>
    /// Whether the answer to its commit was lost, so that it is unknown whether the receipt is stored.
    /// </summary>
    public bool IsInDoubt { get; set; }
}

/// <summary>A message from the broker on its way through the worker. One batch owns it at a time.</summary>
internal sealed class Message
{
    /// <summary>
    /// From this number of redeliveries on, a message is a suspect. One lost connection may count as two, because the
    /// poison filter also receives the message.
    /// </summary>
    public const int SuspectAfterRedeliveries = 10;

    /// <summary>
    /// Of a body that is a copy: the client library reuses its own buffer. It is read at once, unless
    /// <paramref name="read"/> is false.
    /// </summary>
    public Message(
        ulong tag,
        string exchange,
        string routingKey,
        IReadOnlyBasicProperties properties,
        byte[] body,
        bool read = true
    )
    {
        (Tag, Exchange, RoutingKey, Properties, Body) = (tag, exchange, routingKey, properties, body);
        Attempt = 1 + Count(MessageHeaders.Attempt);
        Redeliveries = Count(MessageHeaders.DeliveryCount);
        Deferrals = Count(MessageHeaders.Deferrals);
        // A message that may end the process is read under supervision.
        if (read && !IsSuspect)
            Read();
    }

    public ulong Tag { get; }

    /// <summary>Where it was published; empty for what comes back from a retry queue.</summary>
    public string Exchange { get; }

    public string RoutingKey { get; }

    public IReadOnlyBasicProperties Properties { get; }

    public byte[] Body { get; }

    /// <summary>The number of this attempt, from 1.</summary>
    public int Attempt { get; }

    /// <summary>How often this attempt was put off.</summary>
    public int Deferrals { get; }

    /// <summary>
    /// How often it was on its way before without being acknowledged, whatever the reason: deaths of the worker, lost
    /// connections.
    /// </summary>
    public int Redeliveries { get; }

    /// <summary>Whether it came back so often that it may be the cause itself.</summary>
    public bool IsSuspect => Redeliveries >= SuspectAfterRedeliveries;

    /// <summary>
    /// Whether a header says that it ended the process. The worker sets it in dead letters; in the worker's own queue,
    /// any publisher may have set it.
    /// </summary>
    public bool ClaimsToBeFatal => Header(MessageHeaders.DeadReason) == Messages.Failure.Fatal;

    /// <summary>Null where the body is poison, or was not read.</summary>
    public OrderEvent? Event { get; private set; }

    /// <summary>A name for logs and labels, from a closed set.</summary>
    public string EventType => Event?.Type.Name ?? OrderEventType.Unknown;

    /// <summary>Covers the processing; null when nobody listens.</summary>
    public Activity? Activity { get; set; }

    /// <summary>When processing began, as a timestamp of the time provider.</summary>
    public long Started { get; set; }

    /// <summary>Identifies this delivery as the owner of its lease, if it has one.</summary>
    public Guid Owner { get; } = Guid.NewGuid();

    /// <summary>
    /// Whether it is not tried now, because its recipient or the mail server makes no progress. No attempt is counted.
    /// </summary>
    public bool IsDeferred { get; set; }

    /// <summary>Whether another delivery of the same event is under way.</summary>
    public bool IsClaimedElsewhere { get; set; }

    /// <summary>Set once delivered.</summary>
    public Receipt? Receipt { get; set; }

    /// <summary>Set once this attempt failed.</summary>
    public Failure? Failure { get; set; }

    /// <summary>One of <see cref="Messages.Outcome"/>, once it is known.</summary>
    public string Outcome { get; set; } = "";

    /// <summary>Set once acknowledged.</summary>
    public bool IsAcknowledged { get; set; }

    /// <summary>Reads the body, if that was not done yet.</summary>
    public void Read()
    {
        if (Event is not null || Failure is not null)
            return;
        if (EventReader.TryRead(Body, out var @event, out var poison))
            Event = @event;
        else
            Failure = poison;
    }

    /// <summary>A header as text, whatever AMQP type it has.</summary>
    public string? Header(string name) =>
        Properties.Headers?.TryGetValue(name, out var value) == true
            ? value is byte[] bytes
                ? Encoding.UTF8.GetString(bytes)
                : Convert.ToString(value, CultureInfo.InvariantCulture)
            : null;

    /// <summary>A header as a number from 0 to 1000: any publisher may have written it.</summary>
    public int Count(string header) =>
        int.TryParse(Header(header), CultureInfo.InvariantCulture, out var count) ? Math.Clamp(count, 0, 1000) : 0;
}
