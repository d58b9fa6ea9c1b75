using GoReliable.Notifications.DeadLetters;
using GoReliable.Notifications.Delivery;
using Npgsql;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Finds the message that ends the process. The broker counts each crash and lost connection for all messages that were
/// on their way, guilty or not, so its count is a suspicion and no verdict. A suspect is read alone: written down before,
/// struck out after. Nothing is waited for in between, so whoever kills the worker from outside does not hit that moment
/// three times.
/// </summary>
internal sealed class Suspects(NpgsqlDataSource database, Channels channels, ILogger<Suspects> logger)
{
    /// <summary>Returns to the queue that make a message a suspect: two for each lost connection, since the sieve looks too.</summary>
    public const int Returns = 10;

    private const int MostDeaths = 3;

    // One that is there was not struck out.
    private const string Begin = """
        -- suspect message
        INSERT INTO suspects (id) VALUES ($1)
        ON CONFLICT (id) DO UPDATE SET deaths = suspects.deaths + 1
        RETURNING deaths
        """;

    private const string End = """
        -- clear message
        DELETE FROM suspects WHERE id = $1
        """;

    /// <summary>Reads a message. One that ended the process three times has a failure instead.</summary>
    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public async Task ReadAsync(Message message, CancellationToken cancellationToken)
    {
        var id = DeadLetter.IdOf(message);
        await using var begin = Command(Begin, id);
        var deaths = (int)(await begin.ExecuteScalarAsync(cancellationToken))!;
        if (deaths > 0)
            logger.MessageSuspected(message.Properties.MessageId, message.Returns, deaths);

        if (deaths >= MostDeaths)
        {
            message.Failure = Failure.Poison(Failure.Fatal, $"The worker ended {deaths} times when it read the message.");
        }
        else
        {
            message.Read();
            if (message.Event is { } @event)
                channels.Rehearse(@event);
        }
        await using var end = Command(End, id);
        await end.ExecuteNonQueryAsync(cancellationToken);
    }

    private NpgsqlCommand Command(string sql, Guid id)
    {
        var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        return command;
    }
}
