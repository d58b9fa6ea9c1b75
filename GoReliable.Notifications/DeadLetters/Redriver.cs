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
    /// <exception cref="BrokerUnavailableException">The broker did not take them; they stay.</exception>
    public async Task<BulkResult> RedriveAsync(
        RedriveRequest request,
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
            var perSecond = request.PerSecond ?? RedriveRequest.DefaultPerSecond;
            var batch = Math.Clamp(perSecond / 10, 1, MaxBatchSize);
            return await InBatchesAsync(
                request,
                batch,
                TimeSpan.FromSeconds((double)batch / perSecond),
                PublishAsync,
                item => logger.DeadLetterRedriven(item.Id, item.EventType, item.Reason, by.Name, item.TraceId),
                cancellationToken
            );
        }
        catch (Exception exception) when (Publisher.IsBrokerFailure(exception, cancellationToken))
        {
            throw new BrokerUnavailableException(Broker.Explain(exception), exception);
        }
    }

    /// <summary>Removes what is selected for good.</summary>
    public Task<BulkResult> DiscardAsync(
        DeadLetterSelection selection,
        OperatorId by,
        CancellationToken cancellationToken
    ) =>
        InBatchesAsync(
            selection,
            MaxBatchSize,
            TimeSpan.Zero,
            _ => Task.CompletedTask,
            item => logger.DeadLetterDiscarded(item.Id, item.EventType, item.Reason, by.Name, item.TraceId),
            cancellationToken
        );

    private async Task<BulkResult> InBatchesAsync(
        DeadLetterSelection selection,
        int batch,
        TimeSpan interval,
        Func<IReadOnlyList<DeadLetter>, Task> handle,
        Action<DeadLetterItem> log,
        CancellationToken cancellationToken
    )
    {
        // Letters that come back after the first call, because their cause is not repaired, are beyond it.
        var upTo = selection.UpTo ?? await DeadLetterTable.NewestAsync(database, cancellationToken);
        selection = selection with { UpTo = upTo };
        var (started, position, done) = (time.GetTimestamp(), 0L, 0);
        for (var batches = 1; ; batches++)
        {
            var taken = await HandleBatchAsync(selection, position, batch, handle, cancellationToken);
            foreach (var letter in taken)
                log(letter.Item);
            done += taken.Count;
            if (taken.Count == 0 || batches * interval >= MaxCallTime || time.GetElapsedTime(started) >= MaxCallTime)
                break;
            position = taken[^1].Position;
            if (batches * interval - time.GetElapsedTime(started) is var early && early > TimeSpan.Zero)
                await Task.Delay(early, time, cancellationToken);
        }
        // Where all are done nothing is left: a database that fails now must not hide that.
        var left =
            selection.Ids?.Length == done
                ? 0
                : await DeadLetterTable.CountAsync(database, selection, cancellationToken);
        return new(done, left, upTo);
    }

    private async Task<IReadOnlyList<DeadLetter>> HandleBatchAsync(
        DeadLetterSelection selection,
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
        await handle(taken);
        await DeadLetterTable.RemoveAsync(
            connection,
            [.. taken.Select(letter => letter.Item.Id)],
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
        var redriven = letter.Item.Redriven + 1;
        try
        {
            await PublishAsync(
                letter,
                FailedMessage.ForRedrive(StoredProperties.Read(letter.Properties), redriven),
                giveUp
            );
        }
        catch (Exception exception)
            when (exception is not OperationCanceledException && !Publisher.IsBrokerFailure(exception, giveUp))
        {
            // Its headers cannot be read or written again. The event is worth more, so it goes without them.
            await PublishAsync(
                letter,
                FailedMessage.ForRedrive(new BasicProperties { MessageId = letter.Item.Id.ToString() }, redriven),
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
