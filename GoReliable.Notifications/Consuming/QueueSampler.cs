using System.Diagnostics.Metrics;
using GoReliable.Database.Schema;
using GoReliable.Messaging;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Notifications.Retrying;
using GoReliable.ServiceDefaults.Lifecycle;
using Npgsql;
using RabbitMQ.Client;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Counts the messages in the queues every few seconds, so that a scrape causes no queries. Dead letters are those in
/// their queue and those in the table that they are moved to.
/// </summary>
internal sealed class QueueSampler(
    Broker broker,
    RetryPlan plan,
    NpgsqlDataSource database,
    SchemaUpgrade schema,
    Progress progress,
    Telemetry telemetry,
    ILogger<QueueSampler> logger,
    TimeProvider time
) : RepeatedWork(Interval, time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // How long the database may take. Without it, the other queues are counted all the same.
    private static readonly TimeSpan DatabaseTimeout = TimeSpan.FromSeconds(2);

    // Empty as soon as sampling fails: no value is better than the last one.
    private volatile Measurement<long>[] sample = [];

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        telemetry.ObserveQueues(() => sample);
        telemetry.ObserveProgress(() => progress.Stalled);
        return base.ExecuteAsync(stoppingToken);
    }

    protected override void LogFailure(string reason) => logger.QueuesNotSampled(reason);

    protected override string Explain(Exception exception) => Broker.Explain(exception);

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        // It neither publishes nor consumes, so neither an alarm nor a message ends this connection.
        var connection = await broker.ConnectAsync("watch", stoppingToken);
        // A channel of its own: asking for a queue that does not exist closes the channel.
        await using var channel = await connection.CreateChannelAsync(cancellationToken: stoppingToken);
        await broker.DeclareAsync(channel, stoppingToken, plan.Queues);
        try
        {
            while (true)
            {
                // The client library waits 20 s for an answer, and a token does not cut that short.
                sample = await CountAsync(channel, stoppingToken).WaitAsync(Interval, Time, stoppingToken);
                Succeed();
                await Task.Delay(Interval, Time, stoppingToken);
            }
        }
        finally
        {
            // Before the channel is disposed of, which takes long if the broker does not answer.
            sample = [];
        }
    }

    private async Task<Measurement<long>[]> CountAsync(IChannel channel, CancellationToken cancellationToken)
    {
        var waiting = await channel.MessageCountAsync(OrderTopology.Queue, cancellationToken);
        progress.Update(waiting);
        var retried = 0L;
        foreach (var delay in plan.Queues)
            retried += await channel.MessageCountAsync(OrderTopology.RetryQueue(delay), cancellationToken);
        var counted = new List<Measurement<long>> { Measured("main", waiting), Measured("retry", retried) };
        // Without the database, half of the dead letters cannot be seen, and the other half would look like all of
        // them.
        if (schema.NotReadyBecause is null && await CountStoredAsync(cancellationToken) is { } stored)
            counted.Add(
                Measured("dead", stored + await channel.MessageCountAsync(OrderTopology.DeadQueue, cancellationToken))
            );
        return [.. counted];
    }

    private async Task<long?> CountStoredAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await DeadLetterTable
                .SampleAsync(database, cancellationToken)
                .WaitAsync(DatabaseTimeout, Time, cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException or TimeoutException)
        {
            return null; // The worker itself says that its database is away.
        }
    }

    private static Measurement<long> Measured(string queue, long count) =>
        new(count, new KeyValuePair<string, object?>("queue", queue));
}
