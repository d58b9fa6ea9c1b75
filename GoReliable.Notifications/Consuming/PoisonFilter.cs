using GoReliable.Database;
using GoReliable.Messaging;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Notifications.Messages;
using Npgsql;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Moves away messages that the client library cannot take: too large for it, or with headers that it cannot decode. It
/// ends the connection because of them, or the process, and they come back with all others that were on their way. So
/// before a session begins, every message that came back is looked at, one by one and as bytes. The broker delivers
/// those first.
/// </summary>
internal sealed class PoisonFilter(
    Broker broker,
    NpgsqlDataSource database,
    Telemetry telemetry,
    ILogger<PoisonFilter> logger,
    TimeProvider time
)
{
    /// <summary>Moves them to the dead letters; the others go back when this returns.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var channel = await RawChannel.OpenAsync(broker.Server, time, cancellationToken);
        while (await channel.GetAsync(OrderTopology.Queue, cancellationToken) is { } raw)
        {
            var (message, obstacle) = raw.Decode();
            if (obstacle is not null)
                await ParkAsync(raw, message, obstacle, channel, cancellationToken);
            else if (!raw.Redelivered)
                return;
        }
    }

    private async Task ParkAsync(
        RawMessage raw,
        Message message,
        Failure obstacle,
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
                [DeadLetter.Parked(raw, message, obstacle, time.GetUtcNow())],
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
            obstacle.Reason,
            obstacle.Summary
        );
        telemetry.MessageProcessed(message.EventType, Outcome.DeadLettered, time.GetElapsedTime(message.Started));
    }
}
