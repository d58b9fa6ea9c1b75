using GoReliable.ServiceDefaults.Chaos;
using GoReliable.ServiceDefaults.Messaging;
using GoReliable.ServiceDefaults.Schema;
using Npgsql;

namespace GoReliable.Orders.Outbox;

/// <summary>
/// Takes what is in the outbox to the broker: woken after each commit of this process, and by polling after a crash or
/// for rows of another replica. One relay is active at a time; it publishes in order and deletes what was confirmed, so
/// a crash in between publishes again and loses nothing.
/// </summary>
internal sealed class OutboxRelay(
    IConfiguration configuration, Broker broker, SchemaUpgrade schema, OutboxSignal signal, OutboxFloor floor, ChaosSwitches chaos, Telemetry telemetry, ILogger<OutboxRelay> logger, TimeProvider time)
    : BackgroundService
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    /// <summary>Until the next look, while another replica's relay is active: it may have read before our row was committed.</summary>
    private static readonly TimeSpan BusyInterval = TimeSpan.FromMilliseconds(20);

    private static readonly TimeSpan Backoff = TimeSpan.FromSeconds(1);

    // Why the last session ended. The same every second is one line in the log.
    private string? trouble;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.WaitAsync(stoppingToken);
        await using var database = OutboxSession.CreateDataSource(configuration.GetConnectionString("orders-db")!);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RelayAsync(database, stoppingToken);
            }
            catch (Exception exception)
            {
                // What was not deleted is there for the next relay.
                if (stoppingToken.IsCancellationRequested)
                    return;
                if (trouble != exception.Message)
                    logger.OutboxRelayInterrupted(Backoff, trouble = exception.Message);
                await Task.Delay(Backoff, time, stoppingToken);
            }
        }
    }

    // Ends with an exception when the database or the broker is gone; the next session starts from what is stored.
    private async Task RelayAsync(NpgsqlDataSource database, CancellationToken stoppingToken)
    {
        await using var publisher = await OutboxPublisher.OpenAsync(broker, telemetry, logger, stoppingToken);
        await using var session = await OutboxSession.OpenAsync(database, floor, telemetry, stoppingToken);
        while (publisher.IsOpen)
        {
            var active = await TryDrainAsync(publisher, session, stoppingToken);
            trouble = null;
            if (active)
                await signal.WaitAsync(PollInterval, time, stoppingToken);
            else
                await Task.Delay(BusyInterval, time, stoppingToken);
        }
        throw new RelayException($"The broker closed the channel: {publisher.CloseReason}");
    }

    /// <returns>False when another relay is active.</returns>
    private async Task<bool> TryDrainAsync(OutboxPublisher publisher, OutboxSession session, CancellationToken stoppingToken)
    {
        await chaos.Database.StrikeAsync(stoppingToken);
        var messages = await session.TryBeginAsync();
        if (messages is null)
            return false;

        while (messages.Count > 0)
        {
            using var activity = Telemetry.Source.StartActivity("relay outbox");
            activity?.SetTag("messaging.batch.message_count", messages.Count);
            try
            {
                var confirmed = await publisher.PublishAsync(messages);
                logger.OutboxRelayed(confirmed.Length);
                var failed = messages.Count - confirmed.Length;
                if (failed == 0 && messages.Count == OutboxSession.BatchSize && !stoppingToken.IsCancellationRequested)
                {
                    messages = await session.ContinueAsync(confirmed);
                    continue;
                }
                await session.EndAsync(confirmed, all: failed == 0);
                if (failed == 0)
                    return true;
                throw new RelayException(publisher.IsOpen ? "Outbox messages were not confirmed." : $"The broker closed the channel: {publisher.CloseReason}");
            }
            catch (Exception exception)
            {
                Telemetry.Failed(activity, exception);
                activity?.AddException(exception);
                throw;
            }
        }

        await session.EndAsync([], all: true);
        return true;
    }

    private sealed class RelayException(string message) : Exception(message);
}
