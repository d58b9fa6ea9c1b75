using GoReliable.Database;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Messages;
using GoReliable.ServiceDefaults.Lifecycle;
using Npgsql;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Finds the message that ends the process. The broker counts each death and lost connection for all messages that
/// were on their way, so its count is only a suspicion. A suspect is read alone. It is recorded before it is read, and
/// the record is removed afterwards, however long the database takes. Between the two, the worker does nothing but read
/// the message, so it is very unlikely that it is killed from outside at just that moment, three times.
/// </summary>
internal sealed class Suspects(
    NpgsqlDataSource database,
    DatabaseRetry databaseRetry,
    Channels channels,
    Drain drain,
    ILogger<Suspects> logger
)
{
    private const int MaxDeaths = 3;

    // A row that still exists means that the process ended while it read the message.
    private const string CountDeaths = """
        -- count deaths
        SELECT coalesce((SELECT deaths + 1 FROM suspects WHERE id = $1), 0)
        """;

    // The count is a parameter, not an increment. So the statement may be repeated if its answer was lost.
    private const string MarkSuspect = """
        -- suspect message
        INSERT INTO suspects (id, deaths) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET deaths = excluded.deaths
        """;

    private const string ClearSuspect = """
        -- clear message
        DELETE FROM suspects WHERE id = $1
        """;

    /// <summary>
    /// Reads a message. If it ended the process three times, it is not read and gets a failure instead.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="giveUp">
    /// Ends the waiting for a database that is away, until the message is recorded. What was recorded by then is taken
    /// back, for as long as the service has time.
    /// </param>
    /// <exception cref="OperationCanceledException">
    /// <paramref name="giveUp"/> was cancelled, or the service has no time left.
    /// </exception>
    public async Task ReadAsync(Message message, CancellationToken giveUp)
    {
        var (id, deaths) = (DeadLetter.IdOf(message), 0);
        await databaseRetry.RunAsync(async () => deaths = await CountAsync(id), () => giveUp);
        try
        {
            await databaseRetry.RunAsync(() => MarkAsync(id, deaths), () => giveUp);
        }
        catch (OperationCanceledException)
        {
            // The record may be there all the same, and only the answer lost.
            await databaseRetry.RunAsync(
                () => deaths > 0 ? MarkAsync(id, deaths - 1) : ClearAsync(id),
                () => drain.Overdue
            );
            throw;
        }
        if (deaths > 0)
            logger.MessageSuspected(message.Properties.MessageId, message.Redeliveries, deaths);

        if (deaths >= MaxDeaths)
        {
            message.Failure = Failure.Poison(
                Failure.Fatal,
                $"The worker ended {deaths} times when it read the message."
            );
        }
        else
        {
            message.Read();
            if (message.Event is { } @event)
                channels.DryRun(@event);
        }
        // A record that stayed would count as a death.
        await databaseRetry.RunAsync(() => ClearAsync(id), () => drain.Overdue);
    }

    private async Task<int> CountAsync(Guid id)
    {
        await using var count = Command(CountDeaths, id);
        return (int)(await count.ExecuteScalarAsync())!;
    }

    private async Task MarkAsync(Guid id, int deaths)
    {
        await using var mark = Command(MarkSuspect, id);
        mark.Parameters.AddValue(deaths);
        await mark.ExecuteNonQueryAsync();
    }

    private async Task ClearAsync(Guid id)
    {
        await using var clear = Command(ClearSuspect, id);
        await clear.ExecuteNonQueryAsync();
    }

    private NpgsqlCommand Command(string sql, Guid id)
    {
        var command = database.CreateCommand(sql);
        command.Parameters.AddValue(id);
        return command;
    }
}
