using System.Diagnostics;
using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Messaging;
using GoReliable.ServiceDefaults.Schema;

namespace GoReliable.Orders.Outbox;

/// <summary>
/// Takes what is in the outbox to the broker: woken after each commit of this process, and by polling after a crash or
/// for rows of another replica. One relay is active at a time; it publishes in order and deletes what was confirmed, so
/// a crash in between publishes again and loses nothing.
/// </summary>
internal sealed class OutboxRelay(
    IConfiguration configuration, Broker broker, SchemaUpgrade schema, OutboxSignal signal, ChaosSwitches chaos, Telemetry telemetry, ILogger<OutboxRelay> logger, TimeProvider time)
    : BackgroundService
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    /// <summary>Until the next look, while another replica's relay is active: it may have read before our row was committed.</summary>
    private static readonly TimeSpan BusyInterval = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan Backoff = TimeSpan.FromSeconds(1);

    // Why the last session ended. The same every second is one line in the log.
    private string? trouble;

    // After a batch for which the broker closed the channel, so many messages go one by one, until it is known for which.
    private int oneByOne;

    private int Limit => oneByOne > 0 ? 1 : OutboxReader.BatchSize;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.WaitAsync(stoppingToken);
        await using var database = OutboxReader.CreateDataSource(configuration.GetConnectionString("orders-db")!);
        await using var reader = new OutboxReader(database, telemetry, time);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RelayAsync(reader, stoppingToken);
            }
            catch (Exception exception)
            {
                // What was not deleted is there for the next relay.
                await reader.DisposeAsync();
                if (stoppingToken.IsCancellationRequested)
                    return;
                if (trouble != exception.Message)
                    logger.OutboxRelayInterrupted(Backoff, trouble = exception.Message);
                await Task.Delay(Backoff, time, stoppingToken);
            }
        }
    }

    // Ends with an exception when the database or the broker is gone; the next session starts from what is stored.
    private async Task RelayAsync(OutboxReader reader, CancellationToken stoppingToken)
    {
        var publisher = await OutboxPublisher.OpenAsync(broker, telemetry, stoppingToken);
        try
        {
            await reader.OpenAsync(stoppingToken);
            var patience = BusyInterval;
            while (publisher.IsOpen)
            {
                await chaos.Database.StrikeAsync(stoppingToken);
                if (await reader.TryBeginAsync(Limit) is { } messages)
                {
                    var isRefused = await DrainAsync(messages, publisher, reader, stoppingToken);
                    (trouble, patience) = (null, BusyInterval);
                    if (!isRefused)
                    {
                        await signal.WaitAsync(PollInterval, time, stoppingToken);
                        continue;
                    }
                    await Task.Delay(Backoff, time, stoppingToken);
                    // A quorum queue whose limit was removed tells only new channels.
                    await publisher.DisposeAsync();
                    publisher = await OutboxPublisher.OpenAsync(broker, telemetry, stoppingToken);
                    continue;
                }
                trouble = null;
                // Another relay is active. It has all that was committed by now, or will have it soon, unless it ends just now.
                await Task.Delay(BusyInterval, time, stoppingToken);
                var woken = await signal.WaitAsync(patience, time, stoppingToken);
                patience = woken ? BusyInterval : patience * 2 < PollInterval ? patience * 2 : PollInterval;
            }
            throw new RelayException(publisher);
        }
        finally
        {
            await publisher.DisposeAsync();
        }
    }

    /// <returns>Whether a queue refuses, and would go on to refuse.</returns>
    private async Task<bool> DrainAsync(IReadOnlyList<OutboxMessage> messages, OutboxPublisher publisher, OutboxReader reader, CancellationToken stoppingToken)
    {
        while (messages.Count > 0)
        {
            using var activity = Telemetry.Source.StartActivity("relay outbox");
            activity?.SetTag("messaging.batch.message_count", messages.Count);
            try
            {
                var isFull = messages.Count == Limit;
                var published = new PublishedBatch(messages, FindCulprit(await publisher.PublishAsync(messages), publisher));
                logger.OutboxRelayed(published.Confirmed.Length);
                Tell(published, activity);
                var isRefused = published.HasRefused && oneByOne == 0;
                if (isFull && publisher.IsOpen && published.Lost == 0 && !isRefused && !stoppingToken.IsCancellationRequested)
                {
                    messages = await reader.ContinueAsync(published, Limit);
                    await HealAsync(published, publisher, stoppingToken);
                    continue;
                }

                if (!published.IsEmpty)
                    await reader.EndAsync(published);
                if (published.Lost > 0 || !publisher.IsOpen)
                    throw new RelayException(publisher);
                await HealAsync(published, publisher, stoppingToken);
                return isRefused;
            }
            catch (Exception exception)
            {
                Telemetry.Failed(activity, exception);
                activity?.AddException(exception);
                throw;
            }
        }
        await reader.EndAsync(published: null);
        return false;
    }

    /// <summary>Which message the broker closed the channel for: the only one of its batch, or else one of the next so many.</summary>
    private PublishOutcome[] FindCulprit(PublishOutcome[] outcomes, OutboxPublisher publisher)
    {
        if (publisher.IsOpen || !publisher.IsClosedForMessage)
        {
            oneByOne = Math.Max(0, oneByOne - outcomes.Length);
            return outcomes;
        }
        if (outcomes.Length > 1)
        {
            oneByOne = outcomes.Length;
            return outcomes;
        }
        oneByOne = Math.Max(0, oneByOne - 1);
        return [outcomes[0].Kind == PublishKind.Lost ? new PublishOutcome(PublishKind.Failed, publisher.CloseReason) : outcomes[0]];
    }

    /// <summary>Says once for each reason what was not taken.</summary>
    private void Tell(PublishedBatch published, Activity? activity)
    {
        if (published.Failed.Count > 0)
            activity?.SetStatus(ActivityStatusCode.Error, $"{published.Failed.Count} were not confirmed.").SetTag("error.type", "not_confirmed");
        foreach (var group in published.Failed.GroupBy(failed => (failed.Reason, IsLast: failed.Pause is null)))
        {
            var (count, first) = (group.Count(), group.First().Message);
            if (group.Key.IsLast)
                logger.OutboxSetAside(count, first.EventId, first.OrderId, group.Key.Reason);
            else
                logger.OutboxPublishFailed(count, first.EventId, first.OrderId, group.Key.Reason);
        }
    }

    // What no queue wants may be a queue that somebody removed.
    private static Task HealAsync(PublishedBatch published, OutboxPublisher publisher, CancellationToken stoppingToken) =>
        published.Failed.Count > 0 ? publisher.DeclareAsync(stoppingToken) : Task.CompletedTask;

    private sealed class RelayException(OutboxPublisher publisher) : Exception($"The broker closed the channel: {publisher.CloseReason}");
}
