using GoReliable.Messaging;
using GoReliable.Notifications.Messages;
using RabbitMQ.Client;

namespace GoReliable.Notifications.Retrying;

/// <summary>
/// Sends failed messages to their retry queue or to the dead letters, and makes sure that they arrive.
/// </summary>
internal sealed class Forwarder(Publisher publisher, RetryPlan plan, ILogger<Forwarder> logger, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // Logged once, until a message is taken again.
    private int isFailing;

    /// <returns>One of <see cref="Outcome"/>.</returns>
    /// <exception cref="OperationCanceledException">The session is over; the message comes back.</exception>
    public async Task<string> ForwardAsync(Message message, Failure failure, CancellationToken sessionClosed)
    {
        MessageSpan.Fail(message.Activity, failure);
        var now = time.GetUtcNow();

        if (!failure.Permanent && plan.After(message.Attempt, Random.Shared.NextDouble()) is { } retry)
        {
            await PublishAsync(retry.Queue, () => FailedMessage.ForRetry(message, retry, now), message, sessionClosed);
            logger.NotificationRetried(
                message.EventType,
                message.Event!.OrderId,
                message.Attempt,
                retry.Delay,
                failure.Summary
            );
            return Outcome.Retried;
        }

        await PublishAsync(
            OrderTopology.DeadQueue,
            () => FailedMessage.ForDeadLetter(message, failure, now),
            message,
            sessionClosed
        );
        var reason = failure.Permanent ? failure.Reason : Failure.RetriesExhausted;
        logger.NotificationDeadLettered(
            message.Properties.MessageId,
            message.EventType,
            message.Attempt,
            reason,
            failure.Summary
        );
        return Outcome.DeadLettered;
    }

    /// <summary>
    /// Lets a message wait, as if it had not been taken: longer and longer while the server makes no progress, but only
    /// a moment if another delivery of the same event is under way, to see whether it has ended.
    /// </summary>
    public async Task DeferAsync(Message message, CancellationToken sessionClosed)
    {
        var (before, now) = message.IsClaimedElsewhere
            ? (0, message.Deferrals)
            : (message.Deferrals, message.Deferrals + 1);
        var retry = plan.Deferral(before, Random.Shared.NextDouble());
        await PublishAsync(retry.Queue, () => FailedMessage.ForDeferral(message, now, retry), message, sessionClosed);
        logger.NotificationDeferred(message.EventType, message.Event!.OrderId, retry.Delay);
    }

    // The client library writes into the properties, so each publish gets its own.
    private async Task PublishAsync(
        string queue,
        Func<BasicProperties> properties,
        Message message,
        CancellationToken sessionClosed
    )
    {
        for (var ours = false; ; )
        {
            try
            {
                await publisher.PublishAsync(
                    queue,
                    ours ? FailedMessage.KeepOwn(properties()) : properties(),
                    message.Body,
                    sessionClosed
                );
                isFailing = 0;
                return;
            }
            catch (Exception exception) when (Publisher.IsBrokerFailure(exception, sessionClosed))
            {
                // The queue is full, has no leader or was deleted, or the broker is away. Putting the message back
                // instead would make a hot loop. If it did arrive after all, it arrives twice, and the inbox recognises
                // that.
                if (Interlocked.Exchange(ref isFailing, 1) == 0)
                    logger.ForwardFailed(queue, Broker.Explain(exception));
                await Task.Delay(Pause, time, sessionClosed);
            }
            catch (Exception exception) when (!ours && exception is not OperationCanceledException)
            {
                // The client library can decode these headers or properties, but cannot encode them again, or they
                // leave no room for what went wrong.
                ours = true;
            }
        }
    }
}
