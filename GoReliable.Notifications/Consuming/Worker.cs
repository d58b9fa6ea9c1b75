using GoReliable.Notifications.Delivery;
using GoReliable.Notifications.Retrying;
using GoReliable.ServiceDefaults.Lifecycle;
using GoReliable.ServiceDefaults.Messaging;
using GoReliable.ServiceDefaults.Schema;

namespace GoReliable.Notifications.Consuming;

/// <summary>Consumes for as long as the service runs: opens a session with the broker, and another when it ends.</summary>
/// <remarks>
/// Where messages queue up they are handled in batches, and where they don't nothing waits for one to fill: a batch is
/// what is there. A batch that takes long does not hold up the next, and what waits for somebody else's server is
/// never in a batch with others; where too much of that is under way, it goes to the end of the line.
/// </remarks>
internal sealed class Worker(Broker broker, SchemaUpgrade schema, BatchProcessor processor, Channels channels, RetryPlan plan, Drain drain, ILogger<Worker> logger, TimeProvider time) : BackgroundService
{
    private const int LargestBatch = 100;
    // Above what recipients may have, so that there is always room for a batch or a deferral.
    private const int MostBatches = 40;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim slots = new(MostBatches);
    private readonly Recipients recipients = new();

    // Why no session could be opened. The same every second is one line in the log.
    private string? trouble;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Not when the host comes to it, which is after the last request: other workers can have the messages now.
        stoppingToken = drain.Begun;
        await schema.WaitAsync(stoppingToken);
        while (true)
        {
            await RunSessionAsync(stoppingToken);
            await Task.Delay(Pause, time, stoppingToken);
        }
    }

    private async Task RunSessionAsync(CancellationToken stoppingToken)
    {
        try
        {
            var connection = await broker.ConnectAsync(stoppingToken);
            await using var session = await Session.OpenAsync(connection, plan, stoppingToken);
            logger.ConsumerStarted(OrderTopology.Queue);
            trouble = null;
            try
            {
                await PumpAsync(session, stoppingToken);
                logger.ConsumerInterrupted(session.CloseReason);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                await DrainAsync(session);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
        {
            var reason = Session.Explain(exception);
            if (trouble != reason)
                logger.ConsumerInterrupted(trouble = reason);
        }
    }

    private async Task PumpAsync(Session session, CancellationToken stoppingToken)
    {
        while (await session.Incoming.WaitToReadAsync(stoppingToken) && !session.Closed.IsCancellationRequested)
        {
            var batch = new List<Message>();
            while (batch.Count < LargestBatch && session.Incoming.TryRead(out var message))
            {
                if (message.Event is { } @event && channels.IsRemote(@event))
                    await StartRemoteAsync(message, @event.ContactEmail!, session, stoppingToken);
                else
                    batch.Add(message);
            }
            if (batch.Count > 0)
                await Task.WhenAny(await StartAsync(batch, session, stoppingToken), Task.Delay(Patience, time, CancellationToken.None));
        }
    }

    /// <returns>The running batch, as a task that does not fail.</returns>
    private async Task<Task> StartAsync(IReadOnlyList<Message> batch, Session session, CancellationToken stoppingToken)
    {
        await slots.WaitAsync(stoppingToken);
        return RunBatchAsync(batch, session, giveUp => processor.ProcessAsync(batch, session, giveUp), stoppingToken);
    }

    private async Task StartRemoteAsync(Message message, string recipient, Session session, CancellationToken stoppingToken)
    {
        await slots.WaitAsync(stoppingToken);
        var entered = recipients.TryEnter(recipient);
        _ = RunBatchAsync([message], session, HandleAsync, stoppingToken);

        async Task HandleAsync(CancellationToken giveUp)
        {
            if (!entered)
            {
                await processor.DeferAsync(message, session);
                return;
            }
            try
            {
                await processor.ProcessAsync([message], session, giveUp);
            }
            finally
            {
                recipients.Leave(recipient);
            }
        }
    }

    private async Task RunBatchAsync(IReadOnlyList<Message> batch, Session session, Func<CancellationToken, Task> handle, CancellationToken stoppingToken)
    {
        try
        {
            using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(session.Closed, stoppingToken);
            await handle(giveUp.Token);
        }
        catch (Exception exception) when (Session.IsOver(exception))
        {
            // The session is over or the service stops: the broker has the messages still.
        }
        catch (Exception)
        {
            // Ours to repair; the processor has said so. Until then neither lost nor tried in a hot loop.
            await Task.Delay(Pause, time, CancellationToken.None);
            foreach (var message in batch.Where(message => !message.Settled))
                await session.GiveBackAsync(message);
        }
        finally
        {
            slots.Release();
        }
    }

    /// <summary>Gives back what was not begun, and lets the running batches finish. What is late goes back with the session.</summary>
    private async Task DrainAsync(Session session)
    {
        await session.StopConsumingAsync(drain.Overdue);
        while (session.Incoming.TryRead(out var message))
            await session.GiveBackAsync(message);
        for (var i = 0; i < MostBatches; i++)
            await slots.WaitAsync(drain.Overdue);
    }
}
