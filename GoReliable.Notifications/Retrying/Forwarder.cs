using GoReliable.Notifications.Consuming;
using GoReliable.ServiceDefaults.Messaging;
using RabbitMQ.Client;

namespace GoReliable.Notifications.Retrying;

/// <summary>Sends what failed to its retry queue or to the dead letters, and knows that it arrived.</summary>
internal sealed class Forwarder(Publisher publisher, RetryPlan plan, ILogger<Forwarder> logger, TimeProvider time, Random random)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // Said once, until one was taken again.
    private int failing;

    /// <exception cref="OperationCanceledException">The session is over; the message comes back.</exception>
    public async Task<Outcome> ForwardAsync(Message message, Failure failure, Session session)
    {
        MessageSpan.Fail(message.Activity, failure);
        var now = time.GetUtcNow();

        if (!failure.Permanent && plan.After(message.Attempt, random.NextDouble()) is { } retry)
        {
            await PublishAsync(retry.Queue, () => FailedMessage.ForRetry(message, retry, now), message, session);
            logger.NotificationRetried(message.EventType, message.Event!.OrderId, message.Attempt, retry.Delay, failure.Summary);
            return Outcome.Retried;
        }

        await PublishAsync(OrderTopology.DeadQueue, () => FailedMessage.ForDeadLetter(message, failure, now), message, session);
        var reason = failure.Permanent ? failure.Reason : Failure.RetriesExhausted;
        logger.NotificationDeadLettered(message.Properties.MessageId, message.EventType, message.Attempt, reason, failure.Summary);
        return Outcome.DeadLettered;
    }

    /// <summary>Lets a message wait, as if it had not been taken: longer and longer for a server that does not get on.</summary>
    public Task PutOffAsync(Message message, Session session) =>
        DeferAsync(message, message.Deferrals + 1, plan.Deferral(message.Deferrals, random.NextDouble()), session);

    /// <summary>Lets a message look again soon whether the other delivery of the same event is at its end.</summary>
    public Task AskAgainAsync(Message message, Session session) =>
        DeferAsync(message, message.Deferrals, plan.Deferral(0, random.NextDouble()), session);

    private async Task DeferAsync(Message message, int deferrals, Retry retry, Session session)
    {
        await PublishAsync(retry.Queue, () => FailedMessage.ForDeferral(message, deferrals, retry), message, session);
        logger.NotificationDeferred(message.EventType, message.Event!.OrderId, retry.Delay);
    }

    // The client writes into the properties, so each publish gets its own.
    private async Task PublishAsync(string queue, Func<BasicProperties> properties, Message message, Session session)
    {
        for (var ours = false; ;)
        {
            try
            {
                await publisher.PublishAsync(queue, ours ? FailedMessage.OnlyOurs(properties()) : properties(), message.Body, session.Closed);
                failing = 0;
                return;
            }
            catch (Exception exception) when (Publisher.IsBrokers(exception))
            {
                // Full, without a leader, deleted, or away. Putting the message back instead would make a hot loop. What
                // arrived after all arrives twice, which the inbox knows.
                if (Interlocked.Exchange(ref failing, 1) == 0)
                    logger.ForwardFailed(queue, Session.Explain(exception));
                await Task.Delay(Pause, time, session.Closed);
            }
            catch (Exception exception) when (!ours && exception is not OperationCanceledException)
            {
                // Headers that the client library decodes and cannot encode again.
                ours = true;
            }
        }
    }
}
