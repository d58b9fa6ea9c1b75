using GoReliable.Database;
using GoReliable.Database.Schema;
using GoReliable.Messaging;
using GoReliable.Notifications.Messages;
using GoReliable.Notifications.Retrying;
using GoReliable.ServiceDefaults.Lifecycle;
using GoReliable.ServiceDefaults.Problems;
using Npgsql;

namespace GoReliable.Notifications.DeadLetters;

/// <summary>
/// Moves dead letters from their queue into a table, where they have ids, pages and filters. A queue has none of these,
/// and what is read from it and given back may count as one more delivery (docs/decisions/0004-dead-letters.md).
/// </summary>
internal sealed class DeadLetterCollector(
    Broker broker,
    RetryPlan plan,
    SchemaUpgrade schema,
    NpgsqlDataSource database,
    ILogger<DeadLetterCollector> logger,
    TimeProvider time
) : RepeatedWork(Interval, time)
{
    private const int MaxBatchSize = 100;
    private const int MaxBatchBytes = 16 * 1024 * 1024;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override void LogFailure(string reason) => logger.DeadLettersNotStored(reason);

    protected override string Explain(Exception exception) => Broker.Explain(exception);

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        await schema.WaitAsync(stoppingToken);
        var connection = await broker.ConnectAsync("watch", stoppingToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: stoppingToken);
        await broker.DeclareAsync(channel, stoppingToken, plan.Queues);
        while (true)
        {
            if (await channel.MessageCountAsync(OrderTopology.DeadQueue, stoppingToken) > 0)
            {
                // First check that the database answers; the value does not matter. A message that is taken but not
                // stored counts as one more delivery, and some brokers drop messages that were delivered too often.
                await DeadLetterTable.NewestAsync(database, stoppingToken);
                // As bytes: this queue has messages that could not be decoded, and one of them must not stop the
                // others.
                await using var dead = await RawChannel.OpenAsync(broker.Server, Time, stoppingToken);
                while (await MoveAsync(dead, stoppingToken))
                    Succeed();
            }
            await Task.Delay(Interval, Time, stoppingToken);
        }
    }

    /// <summary>
    /// Acknowledges after the commit. If the process dies in between, the letters come again, and the table recognises
    /// them.
    /// </summary>
    /// <returns>False where there were none.</returns>
    private async Task<bool> MoveAsync(RawChannel channel, CancellationToken stoppingToken)
    {
        var letters = new Dictionary<Guid, (DeadLetter Letter, Message Message)>();
        var (last, bytes) = (0UL, 0);
        for (
            var i = 0;
            i < MaxBatchSize
                && bytes < MaxBatchBytes
                && await channel.GetAsync(OrderTopology.DeadQueue, stoppingToken) is { } raw;
            i++
        )
        {
            var (message, problem) = raw.Decode(isDeadLetter: true);
            var letter = DeadLetter.Of(raw, message, problem, Time.GetUtcNow());
            letters[letter.Item.Id] = (letter, message);
            last = raw.Tag;
            bytes += raw.Body.Length;
        }
        if (letters.Count == 0)
            return false;

        await StoreAsync([.. letters.Values.Select(found => found.Letter)], stoppingToken);
        await channel.AcknowledgeAsync(last, multiple: true, stoppingToken);
        foreach (var (letter, message) in letters.Values)
        {
            using var trace = MessageSpan.Follow(message);
            var item = letter.Item;
            logger.DeadLetterStored(item.Id, item.EventType, item.Reason, item.Attempts, item.TraceId);
        }
        return true;
    }

    // Letters that were taken are kept and tried again, rather than given back and taken again.
    private async Task StoreAsync(IReadOnlyList<DeadLetter> letters, CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await DeadLetterTable.StoreAsync(database, letters, stoppingToken);
                return;
            }
            catch (NpgsqlException exception) when (exception.IsServerFailure())
            {
                database.LeaveReadOnlyServer(exception);
                Report(exception);
                await Task.Delay(Interval, Time, stoppingToken);
            }
        }
    }
}
