using System.Threading.Channels;
using GoReliable.Messaging;
using GoReliable.Notifications.Messages;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace GoReliable.Notifications.Consuming;

/// <summary>A channel on the broker that consumes, for as long as it stays open.</summary>
internal sealed class Session : IAsyncDisposable
{
    /// <summary>Unacknowledged messages at this worker: two full batches.</summary>
    private const ushort Prefetch = 200;

    private readonly CancellationTokenSource closed = new();
    private readonly CancellationTokenSource ended;

    // Bounded by the prefetch: in messages, not in bytes.
    private readonly Channel<Message> incoming = Channel.CreateUnbounded<Message>(
        new() { SingleReader = true, SingleWriter = true }
    );
    private readonly IChannel consuming;
    private string? consumerTag;
    private int held;

    private Session(IChannel consuming, CancellationToken stoppingToken)
    {
        this.consuming = consuming;
        ended = CancellationTokenSource.CreateLinkedTokenSource(closed.Token, stoppingToken);
        (Closed, Ended) = (closed.Token, ended.Token);
        consuming.ChannelShutdownAsync += OnShutdownAsync;
    }

    /// <summary>What the broker delivered; completed when it will deliver no more.</summary>
    public ChannelReader<Message> Incoming => incoming.Reader;

    /// <summary>Cancelled when the channel is gone; its messages come back to another session.</summary>
    public CancellationToken Closed { get; }

    /// <summary>Cancelled then, and when the service stops: what can be given back is not waited for.</summary>
    public CancellationToken Ended { get; }

    /// <summary>Messages that the broker waits for: delivered, and neither acknowledged nor given back.</summary>
    public int Held => closed.IsCancellationRequested ? 0 : Volatile.Read(ref held);

    public string CloseReason { get; private set; } = "The broker cancelled the consumer.";

    /// <summary>Starts to consume.</summary>
    public static async Task<Session> OpenAsync(IConnection connection, CancellationToken stoppingToken)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: stoppingToken);
        var session = new Session(channel, stoppingToken);
        try
        {
            await session.ConsumeAsync(stoppingToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    private async Task ConsumeAsync(CancellationToken cancellationToken)
    {
        await consuming.BasicQosAsync(prefetchSize: 0, Prefetch, global: false, cancellationToken);

        var consumer = new AsyncEventingBasicConsumer(consuming);
        consumer.ReceivedAsync += OnReceivedAsync;
        consumer.UnregisteredAsync += OnUnregisteredAsync;
        consumerTag = await consuming.BasicConsumeAsync(
            OrderTopology.Queue,
            autoAck: false,
            consumer,
            cancellationToken
        );
    }

    /// <summary>Tells the broker to send no more. What it sent can still be acknowledged.</summary>
    public async Task StopConsumingAsync(CancellationToken cancellationToken)
    {
        if (consuming.IsOpen && consumerTag is not null)
            await consuming.BasicCancelAsync(consumerTag, noWait: false, cancellationToken);
    }

    /// <summary>
    /// Acknowledges a message; does nothing when the session is over, because the broker will send it again.
    /// </summary>
    public ValueTask AcknowledgeAsync(Message message) =>
        IfOpenAsync(() => consuming.BasicAckAsync(message.Tag, multiple: false, CancellationToken.None));

    /// <summary>Requeues a message. Some broker versions count this, but the limit is never reached.</summary>
    public ValueTask GiveBackAsync(Message message) =>
        IfOpenAsync(() =>
            consuming.BasicNackAsync(message.Tag, multiple: false, requeue: true, CancellationToken.None)
        );

    private async ValueTask IfOpenAsync(Func<ValueTask> send)
    {
        Interlocked.Decrement(ref held);
        try
        {
            await send();
        }
        catch (Exception exception) when (Broker.IsGone(exception))
        {
            // The message comes back, and the inbox recognises it.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        await consuming.DisposeAsync();
        ended.Dispose();
        closed.Dispose();
    }

    // Only queues the message: the client hands over one at a time, and a slow handler would hold up those behind it.
    private Task OnReceivedAsync(object sender, BasicDeliverEventArgs delivery)
    {
        Interlocked.Increment(ref held);
        incoming.Writer.TryWrite(
            new Message(
                delivery.DeliveryTag,
                delivery.Exchange,
                delivery.RoutingKey,
                delivery.BasicProperties,
                delivery.Body.ToArray()
            )
        );
        return Task.CompletedTask;
    }

    private Task OnUnregisteredAsync(object sender, ConsumerEventArgs consumer)
    {
        incoming.Writer.TryComplete();
        return Task.CompletedTask;
    }

    private Task OnShutdownAsync(object sender, ShutdownEventArgs shutdown)
    {
        CloseReason = $"{shutdown.ReplyCode} {shutdown.ReplyText}";
        return EndAsync();
    }

    /// <summary>
    /// Whether an exception means that the session is over or the service stops. Then the broker still has the
    /// messages.
    /// </summary>
    public static bool IsEndOfSession(Exception exception) =>
        exception is OperationCanceledException || Broker.IsGone(exception);

    private Task EndAsync()
    {
        incoming.Writer.TryComplete();
        return closed.CancelAsync();
    }
}
