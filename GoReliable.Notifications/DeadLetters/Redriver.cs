using GoReliable.Messaging;
using GoReliable.Notifications.Retrying;
using GoReliable.ServiceDefaults.Identity;
using Npgsql;
using RabbitMQ.Client;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>Puts dead letters back into the worker's queue, at a bounded rate, or discards them.</summary>
/// <remarks>
/// A letter is locked, published and confirmed. Only then is it removed, and the removal committed. If the worker is
/// killed at any point, the letter is in the table, in the queue, or in both. If it is in both, it is one message with
/// one id, which the inbox lets through once.
/// </remarks>
internal sealed class Redriver(
    Broker broker,
    Publisher publisher,
    NpgsqlDataSource database,
    ILogger<Redriver> logger,
    TimeProvider time
)
{
    /// <summary>How long one call works. What is left needs another call, so that no request takes minutes.</summary>
    public static readonly TimeSpan MaxCallTime = TimeSpan.FromSeconds(5);

    private const int MaxBatchSize = 100;

    // Of a batch, also when the broker begins to block meanwhile.
    private static readonly TimeSpan PublishTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Redrives what is selected, oldest first.</summary>
    /// <param name="selection">Which letters.</param>
    /// <param name="perSecond">How many a second at most.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Ends it after the current batch.</param>
    /// <returns>How many.</returns>
    /// <exception cref="BrokerUnavailableException">The broker did not take them; they stay.</exception>
    public async Task<int> RedriveAsync(
        Selection selection,
        int perSecond,
        OperatorId by,
        CancellationToken cancellationToken
    )
    {
        if (!broker.IsConnected)
            throw new BrokerUnavailableException("There is no connection to RabbitMQ.", null);
        if (broker.BlockedReason is { } reason)
            throw new BrokerUnavailableException($"It is {reason}.", null);
        try
        {
            // A tenth of a second's worth at a time, or one.
            var batch = Math.Clamp(perSecond / 10, 1, MaxBatchSize);
            return await InBatchesAsync(
                selection,
                batch,
                TimeSpan.FromSeconds((double)batch / perSecond),
                PublishAsync,
                letter =>
                    logger.DeadLetterRedriven(letter.Id, letter.EventType, letter.Reason, by.Name, letter.TraceId),
                cancellationToken
            );
        }
        catch (Exception exception) when (Publisher.IsBrokerFailure(exception, cancellationToken))
        {
            throw new BrokerUnavailableException(Broker.Explain(exception), exception);
        }
    }

    /// <summary>Removes what is selected for good.</summary>
    /// <returns>How many.</returns>
    public Task<int> DiscardAsync(Selection selection, OperatorId by, CancellationToken cancellationToken) =>
        InBatchesAsync(
            selection,
            MaxBatchSize,
            TimeSpan.Zero,
            _ => Task.CompletedTask,
            letter => logger.DeadLetterDiscarded(letter.Id, letter.EventType, letter.Reason, by.Name, letter.TraceId),
            cancellationToken
        );

    private async Task<int> InBatchesAsync(
        Selection selection,
        int batch,
        TimeSpan interval,
        Func<IReadOnlyList<DeadLetter>, Task> handle,
        Action<DeadLetter> log,
        CancellationToken cancellationToken
    )
    {
        var (started, position, done) = (time.GetTimestamp(), 0L, 0);
        for (var batches = 1; ; batches++)
        {
            var taken = await HandleBatchAsync(selection, position, batch, handle, cancellationToken);
            foreach (var (letter, _) in taken)
                log(letter);
            done += taken.Count;
            if (taken.Count == 0 || batches * interval >= MaxCallTime || time.GetElapsedTime(started) >= MaxCallTime)
                return done;
            position = taken[^1].Position;
            if (batches * interval - time.GetElapsedTime(started) is var early && early > TimeSpan.Zero)
                await Task.Delay(early, time, cancellationToken);
        }
    }

    private async Task<IReadOnlyList<StoredDeadLetter>> HandleBatchAsync(
        Selection selection,
        long position,
        int batch,
        Func<IReadOnlyList<DeadLetter>, Task> handle,
        CancellationToken cancellationToken
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var taken = await DeadLetterTable.TakeAsync(connection, selection, position, batch, cancellationToken);
        if (taken.Count == 0)
            return taken;

        // Not cancelled from here on: an operator who hangs up must not leave letters in both places.
        await handle([.. taken.Select(letter => letter.Letter)]);
        await DeadLetterTable.RemoveAsync(
            connection,
            [.. taken.Select(letter => letter.Letter.Id)],
            CancellationToken.None
        );
        await transaction.CommitAsync(CancellationToken.None);
        return taken;
    }

    private async Task PublishAsync(IReadOnlyList<DeadLetter> letters)
    {
        using var giveUp = new CancellationTokenSource(PublishTimeout, time);
        await Task.WhenAll(letters.Select(letter => PublishAsync(letter, giveUp.Token)));
    }

    private async Task PublishAsync(DeadLetter letter, CancellationToken giveUp)
    {
        try
        {
            await PublishAsync(
                letter,
                FailedMessage.ForRedrive(StoredProperties.Read(letter.Properties), letter.Redriven + 1),
                giveUp
            );
        }
        catch (Exception exception)
            when (exception is not OperationCanceledException && !Publisher.IsBrokerFailure(exception, giveUp))
        {
            // Its headers cannot be read or written again. The event is worth more, so it goes without them.
            await PublishAsync(
                letter,
                FailedMessage.ForRedrive(new BasicProperties { MessageId = letter.Id.ToString() }, letter.Redriven + 1),
                giveUp
            );
        }
    }

    // To the worker's own queue: other consumers of the exchange have had the event.
    private Task PublishAsync(DeadLetter letter, BasicProperties properties, CancellationToken giveUp) =>
        publisher.PublishAsync(OrderTopology.Queue, properties, letter.Body, giveUp);
}

/// <summary>The broker cannot be reached, or does not take a message.</summary>
internal sealed class BrokerUnavailableException(string message, Exception? cause) : Exception(message, cause);
