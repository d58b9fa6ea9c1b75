using System.Diagnostics;
using System.Globalization;
using System.Text;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Retrying;
using RabbitMQ.Client;

namespace GoReliable.Notifications.Consuming;

/// <summary>What became of a message.</summary>
internal enum Outcome
{
    Delivered,
    Duplicate,
    Retried,
    DeadLettered,
}

/// <summary>A message from the broker on its way through the worker. One batch owns it at a time.</summary>
internal sealed class Message
{
    /// <param name="tag">How the broker wants it acknowledged.</param>
    /// <param name="exchange">Where it was published; empty for what comes back from a retry queue.</param>
    /// <param name="routingKey">The key it was published with.</param>
    /// <param name="properties">Its AMQP properties.</param>
    /// <param name="body">A copy: the client library uses its own buffer again.</param>
    public Message(ulong tag, string exchange, string routingKey, IReadOnlyBasicProperties properties, byte[] body)
    {
        (Tag, Exchange, RoutingKey, Properties, Body) = (tag, exchange, routingKey, properties, body);
        Attempt = 1 + Count(MessageHeaders.Attempt);
        Deferrals = Count(MessageHeaders.Deferrals);
        if (EventReader.TryRead(body, out var @event, out var poison))
            Event = @event;
        else
            Failure = poison;
    }

    public ulong Tag { get; }

    public string Exchange { get; }

    public string RoutingKey { get; }

    public IReadOnlyBasicProperties Properties { get; }

    public byte[] Body { get; }

    /// <summary>The number of this attempt, from 1.</summary>
    public int Attempt { get; }

    /// <summary>How often this attempt was put off.</summary>
    public int Deferrals { get; }

    /// <summary>Null where the body is poison.</summary>
    public OrderEvent? Event { get; }

    /// <summary>A name for logs and labels, from a closed set.</summary>
    public string EventType => Event?.Type.Name ?? OrderEventType.Unknown;

    /// <summary>Covers the processing; null when nobody listens.</summary>
    public Activity? Activity { get; set; }

    /// <summary>When processing began, as a timestamp of the time provider.</summary>
    public long Started { get; set; }

    /// <summary>Set once delivered.</summary>
    public Receipt? Receipt { get; set; }

    /// <summary>Set once this attempt failed.</summary>
    public Failure? Failure { get; set; }

    public Outcome Outcome { get; set; }

    /// <summary>Set once acknowledged.</summary>
    public bool Settled { get; set; }

    /// <summary>A header as text, whatever AMQP type it has.</summary>
    public string? Header(string name) => Properties.Headers?.TryGetValue(name, out var value) == true
        ? value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : Convert.ToString(value, CultureInfo.InvariantCulture)
        : null;

    // Anybody may have written it.
    private int Count(string header) => int.TryParse(Header(header), CultureInfo.InvariantCulture, out var count) ? Math.Clamp(count, 0, 1000) : 0;
}
