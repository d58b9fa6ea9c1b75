using System.Globalization;
using RabbitMQ.Client;

namespace GoReliable.Messaging;

/// <summary>
/// Exchange and queues between Orders and Notifications. Both sides declare all that a published event needs, so
/// nothing is unroutable, whichever side starts first. The queues in which failed messages wait belong to the worker
/// alone, since only it publishes to them. Arguments of a queue cannot be changed once it exists: a change needs a new
/// name.
/// </summary>
public static class OrderTopology
{
    /// <summary>Topic exchange for order events; the routing key is <c>order.{verb}</c>.</summary>
    public const string Exchange = "orders";

    /// <summary>Quorum queue that the notification worker reads.</summary>
    public const string Queue = "notifications";

    /// <summary>Quorum queue for messages that were given up, until an operator redrives or discards them.</summary>
    public const string DeadQueue = "notifications.dead";

    /// <summary>Routing keys that reach <see cref="Queue"/>.</summary>
    public const string Binding = "order.*";

    /// <summary>
    /// How often a message may come back before the broker gives it up: never, in practice. The broker counts crashes
    /// and lost connections for all messages that were on their way, so its count says nothing about a single message.
    /// The worker finds the message that causes them. RabbitMQ 4 defaults to 20, and 3.10 takes no -1 for "no limit":
    /// https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
    /// </summary>
    private const int DeliveryLimit = 1_000_000_000;

    /// <summary>
    /// The queue where a message waits this long for its next attempt. The delay is part of the name, because it cannot
    /// be changed later.
    /// </summary>
    public static string RetryQueue(TimeSpan delay) =>
        string.Create(CultureInfo.InvariantCulture, $"{Queue}.retry.{delay.TotalSeconds}s");

    /// <summary>
    /// Declares exchange, queues and bindings, and for each of <paramref name="retryDelays"/> the queue where messages
    /// wait for so long and then go back to <see cref="Queue"/>. Does nothing where they exist.
    /// </summary>
    /// <exception cref="RabbitMQ.Client.Exceptions.OperationInterruptedException">
    /// They exist with other arguments.
    /// </exception>
    public static async Task DeclareAsync(
        IChannel channel,
        CancellationToken cancellationToken,
        params IEnumerable<TimeSpan> retryDelays
    )
    {
        await channel.ExchangeDeclareAsync(
            Exchange,
            ExchangeType.Topic,
            durable: true,
            cancellationToken: cancellationToken
        );

        await QuorumQueueAsync(channel, DeadQueue, null, cancellationToken);
        await QuorumQueueAsync(channel, Queue, DeadQueue, cancellationToken, ("x-delivery-limit", DeliveryLimit));
        await channel.QueueBindAsync(Queue, Exchange, Binding, cancellationToken: cancellationToken);

        foreach (var delay in retryDelays)
            await QuorumQueueAsync(
                channel,
                RetryQueue(delay),
                Queue,
                cancellationToken,
                ("x-message-ttl", (int)delay.TotalMilliseconds)
            );
    }

    private static Task<QueueDeclareOk> QuorumQueueAsync(
        IChannel channel,
        string name,
        string? deadLetterTo,
        CancellationToken cancellationToken,
        params (string Name, object Value)[] more
    )
    {
        var arguments = more.ToDictionary(argument => argument.Name, argument => (object?)argument.Value);
        arguments["x-queue-type"] = "quorum";
        if (deadLetterTo is not null)
        {
            // At least once: the default strategy drops a dead letter when its target is away.
            // It needs reject-publish: https://www.rabbitmq.com/docs/quorum-queues#dead-lettering
            arguments["x-dead-letter-strategy"] = "at-least-once";
            arguments["x-overflow"] = "reject-publish";
            arguments["x-dead-letter-exchange"] = "";
            arguments["x-dead-letter-routing-key"] = deadLetterTo;
        }
        return channel.QueueDeclareAsync(
            name,
            durable: true,
            exclusive: false,
            autoDelete: false,
            arguments,
            cancellationToken: cancellationToken
        );
    }
}
