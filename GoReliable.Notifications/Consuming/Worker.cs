using System.Collections.Concurrent;
using GoReliable.Database.Schema;
using GoReliable.Messaging;
using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Messages;
using GoReliable.Notifications.Retrying;
using GoReliable.ServiceDefaults.Lifecycle;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Consumes for as long as the service runs: opens a session with the broker, and another when it ends.
/// </summary>
/// <remarks>
/// When messages queue up, they are handled in batches. When they do not, no message waits for a batch to fill: a batch
/// is what is there. A slow batch does not hold up the next. A message that waits for an external server is never in a
/// batch with others, but in a <see cref="WaitingRoom{T}"/> until its turn comes. A failed message that the broker does
/// not take yet holds up no other.
/// </remarks>
internal sealed class Worker(
    Broker broker,
    RetryPlan plan,
    PoisonFilter poisonFilter,
    SchemaUpgrade schema,
    Suspects suspects,
    BatchProcessor processor,
    Channels channels,
    Progress progress,
    Drain drain,
    ILogger<Worker> logger,
    TimeProvider time
) : RepeatedWork(Pause, time)
{
    private const int MaxBatchSize = 100;

    // A batch has a connection to the database, and the other four of the pool are for leases, requests and samples.
    private const int MaxBatches = 8;

    // More messages than this are a queue, and not the first of those that the relay publishes at once.
    private const int SmallBatch = 10;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim batchSlots = new(MaxBatches);

    private readonly WaitingRoom<PendingDelivery> waitingRoom = new(time);

    // Every batch, delivery and deferral that has not ended.
    private readonly ConcurrentDictionary<Task, bool> running = new();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            // Stops when the drain begins. The host would stop it only after the last request, but other workers can
            // have the messages now.
            await base.ExecuteAsync(drain.Begun);
        }
        finally
        {
            // Also deliveries whose session ended before: that an e-mail was accepted must be stored.
            await FinishAsync();
        }
    }

    protected override void LogFailure(string reason) => logger.ConsumerInterrupted(reason);

    protected override string Explain(Exception exception) => Broker.Explain(exception);

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        await schema.WaitAsync(stoppingToken);
        try
        {
            var connection = await broker.ConnectAsync("consume", stoppingToken);
            // Before the filter: each look of the filter counts as a redelivery, so nothing that may fail comes after
            // it.
            await using (var channel = await connection.CreateChannelAsync(cancellationToken: stoppingToken))
                await broker.DeclareAsync(channel, stoppingToken, plan.Queues);
            await poisonFilter.RunAsync(stoppingToken);
            await using var session = await Session.OpenAsync(connection, stoppingToken);
            progress.Watch(() => session.Held);
            logger.ConsumerStarted(OrderTopology.Queue);
            Succeed();
            try
            {
                await PumpAsync(session, stoppingToken);
                logger.ConsumerInterrupted(session.CloseReason);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                await DrainAsync(session);
            }
            catch (OperationCanceledException) when (session.Closed.IsCancellationRequested)
            {
                logger.ConsumerInterrupted(session.CloseReason);
            }
        }
        finally
        {
            // Their session is over: the messages come again.
            waitingRoom.RemoveWaiting();
        }
    }

    private async Task PumpAsync(Session session, CancellationToken stoppingToken)
    {
        var batch = new List<Message>();
        Message? next = null;
        try
        {
            while (await session.Incoming.WaitToReadAsync(stoppingToken) && !session.Closed.IsCancellationRequested)
            {
                while (batch.Count < MaxBatchSize && session.Incoming.TryRead(out next))
                {
                    if (next.IsSuspect)
                    {
                        // The batch is started first: it must not wait while this one is read.
                        await BeginCollectedAsync();
                        await suspects.ReadAsync(next, session.Ended);
                    }
                    if (next.Event is not { } @event || !channels.IsRemote(@event))
                        batch.Add(next);
                    else if (!TryAdmit(next, session))
                    {
                        // The same: messages that wait for no server must not wait behind this one.
                        await BeginCollectedAsync();
                        await AdmitAsync(next, session);
                    }
                    next = null;
                }
                // Nothing is running and only a few are here: probably the first of a batch that the relay is still
                // publishing. Do not wait; the rest follows at once. Under load, messages are collected until the batch
                // before has ended.
                var isFirstOfBurst = batch.Count <= SmallBatch && batchSlots.CurrentCount == MaxBatches;
                var begun = await BeginCollectedAsync();
                if (!isFirstOfBurst)
                    await Task.WhenAny(begun, Task.Delay(PollInterval, Time, CancellationToken.None));
            }
        }
        catch (OperationCanceledException)
        {
            // Not begun: another worker can have them now. They must not come back to this one.
            await session.StopConsumingAsync(drain.Overdue);
            foreach (var message in next is null ? batch : [.. batch, next])
                await session.GiveBackAsync(message);
            throw;
        }

        async Task<Task> BeginCollectedAsync()
        {
            var begun = await BeginBatchAsync(batch, session, stoppingToken);
            batch = [];
            return begun;
        }
    }

    /// <returns>False if the caller has to ask again.</returns>
    private bool TryAdmit(Message message, Session session)
    {
        switch (waitingRoom.Enter(message.Event!.ContactEmail!, new(message, session)))
        {
            case Admission.Begins:
                Track(DeliverAsync(message, session));
                return true;
            case Admission.Defer:
                Defer(message, session);
                return true;
            case Admission.Waits:
                return true;
            default:
                return false;
        }
    }

    private async Task AdmitAsync(Message message, Session session)
    {
        do await Task.Delay(PollInterval, Time, session.Ended);
        while (!TryAdmit(message, session));
    }

    /// <summary>Delivers a message, and then those that waited for its place.</summary>
    private async Task DeliverAsync(Message message, Session session)
    {
        var (turn, hasTurn) = (new PendingDelivery(message, session), true);
        while (hasTurn)
        {
            await HandleAsync([turn.Message], turn.Session);
            foreach (var late in waitingRoom.RemoveLate())
                Defer(late.Message, late.Session);
            hasTurn = waitingRoom.Leave(turn.Message.Event!.ContactEmail!, out var next);
            turn = next.Waiting;
        }
    }

    private void Defer(Message message, Session session)
    {
        message.IsDeferred = true;
        _ = HandleAsync([message], session);
    }

    /// <returns>The running batch, as a task that does not fail.</returns>
    private async Task<Task> BeginBatchAsync(List<Message> batch, Session session, CancellationToken stoppingToken)
    {
        if (batch.Count == 0)
            return Task.CompletedTask;
        await batchSlots.WaitAsync(stoppingToken);
        return RunBatchAsync();

        async Task RunBatchAsync()
        {
            await HandleAsync(batch, session);
            batchSlots.Release();
        }
    }

    /// <summary>
    /// Handles messages. It does not fail, and does not wait for the broker to take those that failed.
    /// </summary>
    private async Task HandleAsync(IReadOnlyList<Message> messages, Session session)
    {
        var handled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var work = GuardAsync(messages, session, handled.SetResult);
        Track(work);
        await Task.WhenAny(handled.Task, work);
    }

    private void Track(Task work)
    {
        running[work] = true;
        _ = work.ContinueWith(
            ended => running.TryRemove(ended, out _),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );
    }

    private async Task GuardAsync(IReadOnlyList<Message> messages, Session session, Action handled)
    {
        try
        {
            await processor.ProcessAsync(messages, session, handled);
        }
        catch (Exception exception) when (Session.IsEndOfSession(exception) && session.Ended.IsCancellationRequested)
        {
            // The broker still has the messages.
        }
        catch (Exception exception)
        {
            // A defect of ours. Until it is repaired, messages are neither lost nor tried in a hot loop.
            logger.BatchFailed(exception, messages.Count(message => !message.IsAcknowledged));
            await Task.Delay(Pause, Time, CancellationToken.None);
            foreach (var message in messages.Where(message => !message.IsAcknowledged))
                await session.GiveBackAsync(message);
        }
    }

    /// <summary>Gives back messages that were not begun, and lets the running batches finish.</summary>
    private async Task DrainAsync(Session session)
    {
        foreach (var (waiting, _) in waitingRoom.RemoveWaiting())
            await session.GiveBackAsync(waiting);
        // Until the broker sends no more: some may be on their way.
        await foreach (var message in session.Incoming.ReadAllAsync(drain.Overdue))
            await session.GiveBackAsync(message);
        await FinishAsync();
    }

    private async Task FinishAsync()
    {
        // What ends may begin the next, so it is asked again.
        while (running.Keys is { Count: > 0 } tasks)
            await Task.WhenAny(tasks).WaitAsync(drain.Overdue);
    }

    private readonly record struct PendingDelivery(Message Message, Session Session);
}
