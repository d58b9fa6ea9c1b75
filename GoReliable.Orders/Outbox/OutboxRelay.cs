using System.Diagnostics;
using GoReliable.Database.Schema;
using GoReliable.Messaging;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Lifecycle;

namespace GoReliable.Orders.Outbox;

/// <summary>
/// Publishes the outbox to the broker. It is woken after each commit of this process, and polls for what is left after
/// a crash and for rows of other replicas. One relay is active at a time. It publishes in order and deletes what was
/// confirmed, so after a crash in between events are published again and none is lost.
/// </summary>
internal sealed class OutboxRelay(
    IConfiguration configuration,
    Broker broker,
    SchemaUpgrade schema,
    OutboxSignal signal,
    ChaosSwitches chaos,
    Telemetry telemetry,
    ILogger<OutboxRelay> logger,
    TimeProvider time
) : RepeatedWork(Backoff, time)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Until the next look, while another replica's relay is active: it may have read before our row was committed.
    /// </summary>
    private static readonly TimeSpan BusyInterval = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan Backoff = TimeSpan.FromSeconds(1);

    // One for all runs: it remembers how long a read from the first row takes.
    private readonly OutboxReader reader = new(
        OutboxDataSource.Create(configuration.GetConnectionString("orders-db")!),
        telemetry,
        time
    );

    // After the broker closed the channel because of a batch, this many messages are sent one by one, to find the
    // message that caused it.
    private int oneByOne;

    private int Limit => oneByOne > 0 ? 1 : OutboxReader.BatchSize;

    protected override void LogFailure(string reason) => logger.OutboxRelayInterrupted(Backoff, reason);

    protected override string Explain(Exception exception) => Broker.Explain(exception);

    // Ends with an exception when the database or the broker is gone. What was not deleted is there for the next run.
    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        await schema.WaitAsync(stoppingToken);
        var publisher = await OpenPublisherAsync(stoppingToken);
        try
        {
            await reader.OpenAsync(stoppingToken);
            var pause = BusyInterval;
            while (publisher.IsOpen)
            {
                await chaos.Database.InjectAsync(stoppingToken);
                if (await reader.TryBeginAsync(Limit) is { } messages)
                {
                    var isRefused = await DrainAsync(messages, publisher, stoppingToken);
                    Succeed();
                    pause = BusyInterval;
                    if (isRefused)
                    {
                        await Task.Delay(Backoff, Time, stoppingToken);
                        // When the limit of a quorum queue is removed, only new channels notice.
                        await publisher.DisposeAsync();
                        publisher = await OpenPublisherAsync(stoppingToken);
                    }
                    else
                    {
                        await signal.WaitAsync(PollInterval, Time, stoppingToken);
                    }
                    continue;
                }
                Succeed();
                // Another relay is active. It will read what is committed by now, unless it is just ending.
                await Task.Delay(BusyInterval, Time, stoppingToken);
                var woken = await signal.WaitAsync(pause, Time, stoppingToken);
                pause =
                    woken ? BusyInterval
                    : pause * 2 < PollInterval ? pause * 2
                    : PollInterval;
            }
            throw new RelayException(publisher);
        }
        finally
        {
            await reader.CloseAsync();
            await publisher.DisposeAsync();
        }
    }

    private Task<OutboxPublisher> OpenPublisherAsync(CancellationToken stoppingToken) =>
        OutboxPublisher.OpenAsync(broker, telemetry, Time, stoppingToken);

    /// <returns>Whether a queue refuses messages, and would go on to refuse.</returns>
    private async Task<bool> DrainAsync(
        IReadOnlyList<OutboxMessage> messages,
        OutboxPublisher publisher,
        CancellationToken stoppingToken
    )
    {
        while (messages.Count > 0)
        {
            using var activity = Telemetry.Source.StartActivity("relay outbox");
            activity?.SetTag("messaging.batch.message_count", messages.Count);
            try
            {
                // More than one, or as many as were asked for: probably there are more by now.
                var isBusy = messages.Count > 1 || messages.Count == Limit;
                var published = new PublishedBatch(
                    messages,
                    FindCulprit(await publisher.PublishAsync(messages, stoppingToken), publisher)
                );
                logger.OutboxRelayed(published.Confirmed.Length);
                Report(published, activity);
                var isRefused = published.HasRefused && oneByOne == 0;
                if (
                    publisher.IsOpen
                    && published.UnknownCount == 0
                    && !isRefused
                    && !stoppingToken.IsCancellationRequested
                    && (isBusy || signal.TryTake())
                )
                {
                    // Reading more travels with the deletion. If there is none, unlocking costs a round trip.
                    messages = await reader.ContinueAsync(published, Limit);
                    await RedeclareAsync(published, publisher, stoppingToken);
                    continue;
                }

                if (!published.IsEmpty)
                    await reader.EndAsync(published);
                if (published.UnknownCount > 0 || !publisher.IsOpen)
                    throw new RelayException(publisher);
                await RedeclareAsync(published, publisher, stoppingToken);
                return isRefused;
            }
            catch (Exception exception)
            {
                Telemetry.MarkFailed(activity, exception);
                activity?.AddException(exception);
                throw;
            }
        }
        await reader.EndAsync(published: null);
        return false;
    }

    /// <summary>
    /// Finds the message that the broker closed the channel for: the only one of its batch, or else one of those that
    /// are sent one by one next.
    /// </summary>
    private PublishOutcome[] FindCulprit(PublishOutcome[] outcomes, OutboxPublisher publisher)
    {
        if (publisher.IsOpen || !publisher.IsClosedForMessage)
        {
            oneByOne = Math.Max(0, oneByOne - outcomes.Length);
            return outcomes;
        }
        if (outcomes.Length > 1)
        {
            oneByOne = outcomes.Count(outcome => !outcome.IsConfirmed);
            return outcomes;
        }
        oneByOne = Math.Max(0, oneByOne - 1);
        return
        [
            outcomes[0].Kind == PublishKind.Unknown
                ? new PublishOutcome(PublishKind.Failed, publisher.CloseReason)
                : outcomes[0],
        ];
    }

    /// <summary>Logs what was not taken, once for each reason.</summary>
    private void Report(PublishedBatch published, Activity? activity)
    {
        if (published.Failed.Count > 0)
            activity
                ?.SetStatus(ActivityStatusCode.Error, $"{published.Failed.Count} were not confirmed.")
                .SetTag("error.type", "not_confirmed");
        foreach (var group in published.Failed.GroupBy(failed => (failed.Reason, IsLast: failed.Pause is null)))
        {
            var (count, first) = (group.Count(), group.First().Message);
            if (group.Key.IsLast)
                logger.OutboxSetAside(count, first.EventId, first.OrderId, group.Key.Reason);
            else
                logger.OutboxPublishFailed(count, first.EventId, first.OrderId, group.Key.Reason);
        }
    }

    // If no queue wants a message, the queue may have been removed.
    private static Task RedeclareAsync(
        PublishedBatch published,
        OutboxPublisher publisher,
        CancellationToken stoppingToken
    ) => published.Failed.Count > 0 ? publisher.DeclareAsync(stoppingToken) : Task.CompletedTask;

    private sealed class RelayException(OutboxPublisher publisher) : Exception(publisher.UnknownReason);
}
