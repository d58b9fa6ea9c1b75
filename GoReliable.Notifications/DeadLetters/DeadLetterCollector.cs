using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.Retrying;
using GoReliable.ServiceDefaults.Messaging;
using GoReliable.ServiceDefaults.Schema;
using Npgsql;
using RabbitMQ.Client;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>
/// Moves dead letters from their queue into a table, where they have ids, pages and filters. A queue has none of it, and
/// what is read from it and given back counts as one more delivery (docs/decisions/0004-dead-letters.md).
/// </summary>
internal sealed class DeadLetterCollector(Broker broker, SchemaUpgrade schema, NpgsqlDataSource database, ILogger<DeadLetterCollector> logger, TimeProvider time) : BackgroundService
{
    private const int LargestBatch = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Said once, until it worked again.
    private bool failing;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.WaitAsync(stoppingToken);
        while (true)
        {
            try
            {
                await CollectAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Complain(exception);
            }
            await Task.Delay(Interval, time, stoppingToken);
        }
    }

    private async Task CollectAsync(CancellationToken stoppingToken)
    {
        var connection = await broker.ConnectAsync(stoppingToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: stoppingToken);
        await OrderTopology.DeclareAsync(channel, stoppingToken);
        while (true)
        {
            while (await channel.MessageCountAsync(OrderTopology.DeadQueue, stoppingToken) > 0)
            {
                // First, because a message that is taken in vain has been delivered once more, and some brokers drop
                // what was delivered too often.
                await DeadLetterTable.ProbeAsync(database, stoppingToken);
                await MoveAsync(channel, stoppingToken);
                failing = false;
            }
            await Task.Delay(Interval, time, stoppingToken);
        }
    }

    /// <summary>Acknowledges after the commit. Whoever dies in between finds them again, and the table knows them.</summary>
    private async Task MoveAsync(IChannel channel, CancellationToken stoppingToken)
    {
        var letters = new Dictionary<Guid, (DeadLetter Letter, Message Message)>();
        var last = 0UL;
        for (var i = 0; i < LargestBatch && await channel.BasicGetAsync(OrderTopology.DeadQueue, autoAck: false, stoppingToken) is { } delivery; i++)
        {
            var message = new Message(delivery.DeliveryTag, delivery.Exchange, delivery.RoutingKey, delivery.BasicProperties, delivery.Body.ToArray());
            if (message.Header(MessageHeaders.DeadReason) != Failure.Fatal)
                message.Read();
            var letter = DeadLetter.Of(message, time.GetUtcNow());
            letters[letter.Id] = (letter, message);
            last = delivery.DeliveryTag;
        }
        if (letters.Count == 0)
            return;

        await StoreAsync([.. letters.Values.Select(found => found.Letter)], channel, stoppingToken);
        await channel.BasicAckAsync(last, multiple: true, stoppingToken);
        foreach (var (letter, message) in letters.Values)
        {
            using var trace = MessageSpan.Follow(message);
            logger.DeadLetterStored(letter.Id, letter.EventType, letter.Reason, letter.Attempts, letter.TraceId);
        }
    }

    // What was taken is kept for as long as the channel is open, rather than given back and taken again.
    private async Task StoreAsync(IReadOnlyList<DeadLetter> letters, IChannel channel, CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await DeadLetterTable.StoreAsync(database, letters, stoppingToken);
                return;
            }
            catch (NpgsqlException exception) when (exception.IsOfTheServer() && channel.IsOpen)
            {
                database.LeaveReadOnlyServer(exception);
                Complain(exception);
                await Task.Delay(Interval, time, stoppingToken);
            }
        }
    }

    private void Complain(Exception exception)
    {
        if (!failing)
            logger.DeadLettersNotStored(Session.Explain(exception));
        failing = true;
    }
}
