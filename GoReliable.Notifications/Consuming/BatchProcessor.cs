using System.Diagnostics;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Messages;
using GoReliable.Notifications.Retrying;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Lifecycle;
using Npgsql;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Handles messages: claims them in the inbox, delivers them, stores the result, forwards what failed, and
/// acknowledges. With this order, if the process dies at any point, the messages come back and the inbox knows those
/// that were handled. Messages that do not wait for an external server share a transaction; each of the others has a
/// lease.
/// </summary>
internal sealed class BatchProcessor(
    NpgsqlDataSource database,
    DatabaseRetry databaseRetry,
    UncommittedReceipts uncommitted,
    Leases leases,
    ChaosSwitches chaos,
    Channels channels,
    Forwarder forwarder,
    Drain drain,
    Telemetry telemetry,
    ILogger<BatchProcessor> logger,
    TimeProvider time
)
{
    /// <summary>
    /// Handles one message, or several of which none waits for an external server. Calls <paramref name="handled"/>
    /// when what became of them is stored, and only the broker is still waited for.
    /// </summary>
    public async Task ProcessAsync(IReadOnlyList<Message> messages, Session session, Action handled)
    {
        foreach (var message in messages)
            Begin(message);
        try
        {
            await HandleAsync(
                [.. messages.Where(message => message is { Event: not null, IsDeferred: false })],
                session
            );
            handled();
            var stored = time.GetUtcNow();
            await Task.WhenAll(messages.Select(message => CompleteAsync(message, stored, session)));
        }
        finally
        {
            foreach (var message in messages)
            {
                leases.StopRenewing(message.Owner);
                if (!message.IsAcknowledged)
                    Abandon(message);
            }
        }
    }

    private void Begin(Message message)
    {
        telemetry.MessageTaken();
        message.Started = time.GetTimestamp();
        // What is deferred is not processed, so it has no span of its own.
        message.Activity = message.IsDeferred ? MessageSpan.Follow(message) : MessageSpan.Start(message);
    }

    /// <summary>
    /// Handles messages. If that fails, each is tried alone, so that the others do not fail with the one that cannot be
    /// handled.
    /// </summary>
    private async Task HandleAsync(List<Message> messages, Session session)
    {
        if (messages.Count == 0)
            return;
        // The batch's statements, and what is logged of the database, appear in the trace of its first message.
        Activity.Current = (
            messages.FirstOrDefault(message => message.Activity is { Recorded: true }) ?? messages[0]
        ).Activity;
        try
        {
            await databaseRetry.RunAsync(
                () =>
                    messages is [var remote] && channels.IsRemote(remote.Event!)
                        ? HandleWithLeaseAsync(remote)
                        : HandleInTransactionAsync(messages),
                // An e-mail that was sent must be recorded, or it would be sent again.
                () =>
                    messages.Any(message => message.Receipt?.Channel == Channels.Email) ? drain.Overdue : session.Ended
            );
        }
        catch (Exception exception)
            when (exception is not OperationCanceledException
                && !(session.Ended.IsCancellationRequested && Session.IsEndOfSession(exception))
            )
        {
            logger.BatchFailed(exception, messages.Count);
            if (messages is [var alone])
                alone.Failure ??= Failure.Defect(exception);
            else
                await Task.WhenAll(messages.Select(message => HandleAsync([message], session)));
        }
    }

    /// <summary>
    /// Handles a message that waits for an external server: with a lease, and without a database connection while it
    /// waits.
    /// </summary>
    private async Task HandleWithLeaseAsync(Message message)
    {
        var id = message.Event!.Id;
        await chaos.Database.InjectAsync(CancellationToken.None);
        while (true)
        {
            var claim = await leases.TakeAsync(id, message.Owner);
            message.IsClaimedElsewhere = claim == LeaseAnswer.Busy;
            if (claim == LeaseAnswer.Taken)
            {
                await DeliverAsync(message);
                // False if its lease was over: then another delivery has the event, and may know more.
                if (!await EndAsync(message))
                    continue;
                message.Outcome = Outcome.Delivered;
                uncommitted.Remove(id);
            }
            else
            {
                CompleteDuplicate(message);
            }
            return;
        }
    }

    private async Task<bool> EndAsync(Message message)
    {
        try
        {
            return await leases.EndAsync(message);
        }
        catch
        {
            message.Receipt?.IsInDoubt = true;
            throw;
        }
    }

    private async Task HandleInTransactionAsync(List<Message> messages)
    {
        await chaos.Database.InjectAsync(CancellationToken.None);
        await using var connection = await database.OpenConnectionAsync();
        var claims = await Inbox.ClaimAsync(connection, messages);
        var claimed = messages.Where(message => claims.Remove(message.Event!.Id)).ToList();

        await Task.WhenAll(claimed.Select(DeliverAsync));
        try
        {
            await Inbox.CommitAsync(connection, claimed);
        }
        catch
        {
            foreach (var message in claimed)
                message.Receipt?.IsInDoubt = true;
            throw;
        }

        // Delivered messages first: this removes their receipts, so a copy in the same batch counts as a duplicate.
        foreach (var message in claimed.Where(message => message.Receipt is not null))
        {
            message.Outcome = Outcome.Delivered;
            uncommitted.Remove(message.Event!.Id);
        }
        foreach (var message in messages.Except(claimed))
            CompleteDuplicate(message);
    }

    // A duplicate, unless our earlier try was committed and only the database's answer was lost.
    private void CompleteDuplicate(Message message)
    {
        message.Receipt = message.IsClaimedElsewhere ? null : uncommitted.TakeInDoubt(message.Event!.Id);
        message.Outcome = message.Receipt is null ? Outcome.Duplicate : Outcome.Delivered;
        message.Failure = null;
    }

    private async Task DeliverAsync(Message message)
    {
        // Delivered or failed in an earlier try: that result is kept, even if its transaction was rolled back.
        if (message.Failure is not null || (message.Receipt ??= uncommitted.Find(message.Event!.Id)) is not null)
            return;

        Activity.Current = message.Activity;
        (message.Receipt, message.Failure) = await channels.DeliverAsync(message.Event!);
        if (message.Receipt is { } receipt)
        {
            uncommitted.Add(message.Event!.Id, receipt);
            message.Activity?.SetTag(Telemetry.Channel, receipt.Channel);
        }
    }

    private async Task CompleteAsync(Message message, DateTimeOffset stored, Session session)
    {
        Activity.Current = message.Activity;
        if (message is { Event: null, Failure: null })
            throw new InvalidOperationException("A message that was not read cannot be acknowledged.");
        if (message.Failure is { } failure)
            message.Outcome = await forwarder.ForwardAsync(message, failure, session.Closed);
        if (message.IsDeferred || message.IsClaimedElsewhere)
        {
            await forwarder.DeferAsync(message, session.Closed);
            message.Outcome = Outcome.Retried;
        }
        await session.AcknowledgeAsync(message);
        message.IsAcknowledged = true;

        if (message is { Outcome: Outcome.Delivered, Event: { } delivered, Receipt: { } receipt })
        {
            // An in-app notification is delivered when it is stored.
            var at = receipt.Channel == Channels.InApp ? stored : receipt.SentAt;
            telemetry.Delivered(at - delivered.Time);
            logger.NotificationDelivered(message.EventType, delivered.OrderId, receipt.Channel, message.Attempt);
        }
        else if (message is { Outcome: Outcome.Duplicate, Event: { } duplicate })
            logger.NotificationDuplicate(duplicate.Id, duplicate.OrderId);
        Finish(message);
    }

    private void Finish(Message message)
    {
        telemetry.MessageProcessed(message.EventType, message.Outcome, time.GetElapsedTime(message.Started));
        message.Activity?.Dispose();
    }

    private void Abandon(Message message)
    {
        message
            .Activity?.SetStatus(ActivityStatusCode.Error, "Given back to the queue.")
            .SetTag("error.type", "given_back");
        message.Activity?.Dispose();
        telemetry.MessageAbandoned();
    }
}
