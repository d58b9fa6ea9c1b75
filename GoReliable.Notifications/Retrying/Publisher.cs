using GoReliable.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace GoReliable.Notifications.Retrying;

/// <summary>
/// Publishes to queues, on a connection that consumes nothing: a broker that is short of memory stops reading from a
/// connection that publishes.
/// </summary>
internal sealed class Publisher(Broker broker, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan ConfirmTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ReplaceAfter = TimeSpan.FromSeconds(1);

    // Bytes of a header frame beside its properties: type, channel, size, end; class, weight, body size.
    // https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf (2.3.5, 4.2.6)
    // And the header x-dotnet-pub-seq-no, which the client library adds: name, type, number.
    private const int FrameOverhead = 8 + 12 + 20 + 1 + 8;

    private readonly SemaphoreSlim opening = new(1);

    // Any publication may set it to null. Read it once.
    private IChannel? channel;
    private uint frameMax;
    private long openedAt;

    /// <summary>Publishes, and returns when a quorum of the broker's nodes has the message.</summary>
    /// <exception cref="PublishException">The broker did not take it.</exception>
    /// <exception cref="TimeoutException">
    /// The broker does not say: a queue without a leader does not answer.
    /// </exception>
    /// <exception cref="OperationInterruptedException">The channel is over.</exception>
    /// <exception cref="OperationCanceledException">
    /// <paramref name="giveUp"/> was cancelled: before, and nothing was sent, or while it waited for the answer.
    /// </exception>
    /// <exception cref="InvalidDataException">
    /// The headers do not fit into a frame: the broker would end the connection.
    /// </exception>
    public async Task PublishAsync(
        string queue,
        BasicProperties properties,
        ReadOnlyMemory<byte> body,
        CancellationToken giveUp
    )
    {
        var open = await OpenAsync(giveUp);
        if (frameMax > 0 && ((IAmqpWriteable)properties).GetRequiredBufferSize() > frameMax - FrameOverhead)
            throw new InvalidDataException("The headers do not fit into a frame.");
        giveUp.ThrowIfCancellationRequested();
        // Not cancelled from here on: it would be unknown what became of it.
        var confirmed = open.BasicPublishAsync(
                exchange: "",
                queue,
                mandatory: true,
                properties,
                body,
                CancellationToken.None
            )
            .AsTask();
        while (true)
        {
            var wasBlocked = broker.BlockedReason is not null;
            try
            {
                await confirmed.WaitAsync(ConfirmTimeout, time, giveUp);
                return;
            }
            catch (TimeoutException) when (wasBlocked || broker.BlockedReason is not null)
            {
                // The message is on its way; publishing it again would only make another copy.
            }
            catch (TimeoutException)
            {
                // The broker would keep it for a queue without a leader, and each further copy as well, for as long as
                // the channel lives.
                await DiscardChannelAsync(open);
                throw;
            }
            catch (PublishException refused) when (!refused.IsReturn)
            {
                _ = ReplaceChannelAsync(open);
                throw;
            }
        }
    }

    /// <summary>
    /// Whether it is the broker that did not take a message, and not the client library that could not write it, nor
    /// the caller that gave up. The client library says "canceled" when the broker does not answer.
    /// </summary>
    public static bool IsBrokerFailure(Exception exception, CancellationToken giveUp) =>
        Broker.IsGone(exception)
        || exception is PublishException or TimeoutException
        || (exception is OperationCanceledException && !giveUp.IsCancellationRequested);

    public async ValueTask DisposeAsync()
    {
        if (channel is { } open)
            await open.DisposeAsync();
        opening.Dispose();
    }

    // What is under way on it is sent again.
    private async Task DiscardChannelAsync(IChannel silent)
    {
        if (Interlocked.CompareExchange(ref channel, null, silent) == silent)
            await silent.DisposeAsync();
    }

    // When the limit of a quorum queue is removed, only new channels notice. There is one a second at most, and the old
    // one stays for ten seconds, so that the broker can answer what is under way on it.
    private async Task ReplaceChannelAsync(IChannel refused)
    {
        if (
            time.GetElapsedTime(openedAt) < ReplaceAfter
            || Interlocked.CompareExchange(ref channel, null, refused) != refused
        )
            return;
        await Task.Delay(ConfirmTimeout, time);
        await refused.DisposeAsync();
    }

    private async Task<IChannel> OpenAsync(CancellationToken giveUp)
    {
        if (channel is { IsOpen: true } open)
            return open;
        await opening.WaitAsync(giveUp);
        try
        {
            if (channel is { IsOpen: true } opened)
                return opened;
            if (channel is { } closed)
                await closed.DisposeAsync();
            var connection = await broker.ConnectAsync("publish", giveUp);
            (frameMax, openedAt) = (connection.FrameMax, time.GetTimestamp());
            return channel = await connection.CreateChannelAsync(Broker.Confirms, giveUp);
        }
        finally
        {
            opening.Release();
        }
    }
}
