using GoReliable.Notifications.DeadLetters;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Messages;
using Npgsql;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Finds the message that crashes the process. The broker counts each crash and lost connection for all messages that
/// were on their way, so its count is only a suspicion. A suspect is read alone. It is recorded before it is read, and
/// the record is removed after. Nothing is waited for in between, so a worker that is killed from outside is not killed
/// at this moment three times.
/// </summary>
internal sealed class Suspects(NpgsqlDataSource database, Channels channels, ILogger<Suspects> logger)
{
    private const int MaxCrashes = 3;

    // A row that is still there was not removed: the process ended while it read the message.
    private const string MarkSuspect = """
        -- suspect message
        INSERT INTO suspects (id) VALUES ($1)
        ON CONFLICT (id) DO UPDATE SET deaths = suspects.deaths + 1
        RETURNING deaths
        """;

    private const string ClearSuspect = """
        -- clear message
        DELETE FROM suspects WHERE id = $1
        """;

    /// <summary>
    /// Reads a message. If it ended the process three times, it is not read and gets a failure instead.
    /// </summary>
    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public async Task ReadAsync(Message message, CancellationToken cancellationToken)
    {
        var id = DeadLetter.IdOf(message);
        await using var mark = Command(MarkSuspect, id);
        var crashes = (int)(await mark.ExecuteScalarAsync(cancellationToken))!;
        if (crashes > 0)
            logger.MessageSuspected(message.Properties.MessageId, message.Redeliveries, crashes);

        if (crashes >= MaxCrashes)
        {
            message.Failure = Failure.Poison(
                Failure.Fatal,
                $"The worker ended {crashes} times when it read the message."
            );
        }
        else
        {
            message.Read();
            if (message.Event is { } @event)
                channels.DryRun(@event);
        }
        await using var clear = Command(ClearSuspect, id);
        await clear.ExecuteNonQueryAsync(cancellationToken);
    }

    private NpgsqlCommand Command(string sql, Guid id)
    {
        var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        return command;
    }
}
