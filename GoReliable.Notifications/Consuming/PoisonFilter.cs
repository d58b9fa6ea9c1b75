using GoReliable.Database;
using GoReliable.Messaging;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Notifications.Messages;
using Npgsql;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Moves messages that the client library cannot handle to the dead letters: too large, or with headers that it cannot
/// decode. Such a message ends the connection or the process, and all unacknowledged messages are delivered again. So
/// before each session, redelivered messages are read as raw bytes, one by one. The broker delivers them first.
/// </summary>
internal sealed class PoisonFilter(
    Broker broker,
    NpgsqlDataSource database,
    Telemetry telemetry,
    ILogger<PoisonFilter> logger,
    TimeProvider time
)
{
    /// <summary>Parks what the client library cannot take. The rest returns when the channel closes.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var channel = await RawChannel.OpenAsync(broker.Server, time, cancellationToken);
        while (await channel.GetAsync(OrderTopology.Queue, cancellationToken) is { } raw)
        {
            var (message, problem) = raw.Decode(isDeadLetter: false);
            if (problem is not null)
                await ParkAsync(raw, message, problem, channel, cancellationToken);
            else if (!raw.Redelivered)
                return;
        }
    }

    private async Task ParkAsync(
        RawMessage raw,
        Message message,
        Failure problem,
        RawChannel channel,
        CancellationToken cancellationToken
    )
    {
        telemetry.MessageTaken();
        message.Started = time.GetTimestamp();
        try
        {
            await DeadLetterTable.StoreAsync(
                database,
                [DeadLetter.Parked(raw, message, problem, time.GetUtcNow())],
                cancellationToken
            );
            await channel.AcknowledgeAsync(raw.Tag, multiple: false, cancellationToken);
            message.IsAcknowledged = true;
        }
        catch (NpgsqlException exception)
        {
            database.LeaveReadOnlyServer(exception);
            throw;
        }
        finally
        {
            if (!message.IsAcknowledged)
                telemetry.MessageAbandoned();
        }
        using var trace = MessageSpan.Follow(message);
        logger.NotificationDeadLettered(
            message.Properties.MessageId,
            message.EventType,
            message.Attempt,
            problem.Reason,
            problem.Summary
        );
        telemetry.MessageProcessed(message.EventType, Outcome.DeadLettered, time.GetElapsedTime(message.Started));
    }
}
