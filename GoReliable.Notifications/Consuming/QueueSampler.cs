using System.Diagnostics.Metrics;
using GoReliable.ServiceDefaults.Messaging;
using RabbitMQ.Client;

namespace GoReliable.Notifications.Consuming;

/// <summary>Counts the messages in the queues every few seconds, so that a scrape asks nobody.</summary>
internal sealed class QueueSampler(Broker broker, Telemetry telemetry, ILogger<QueueSampler> logger, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private static readonly (string Label, string[] Queues)[] Sampled =
    [
        ("main", [OrderTopology.Queue]),
        ("retry", [.. OrderTopology.RetryDelays.Select(OrderTopology.RetryQueue)]),
        ("dead", [OrderTopology.DeadQueue]),
    ];

    // Empty as soon as sampling fails: no value is better than the last one.
    private volatile Measurement<long>[] sample = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        telemetry.ObserveQueues(() => sample);
        var failed = false;
        while (true)
        {
            try
            {
                await SampleAsync(() => failed = false, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                sample = [];
                if (!failed)
                    logger.QueuesNotSampled(Session.Explain(exception));
                failed = true;
            }
            await Task.Delay(Interval, time, stoppingToken);
        }
    }

    private async Task SampleAsync(Action succeeded, CancellationToken cancellationToken)
    {
        var connection = await broker.ConnectAsync(cancellationToken);
        // A channel of its own: asking for a queue that does not exist closes the channel.
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        await OrderTopology.DeclareAsync(channel, cancellationToken);
        while (true)
        {
            var counted = new Measurement<long>[Sampled.Length];
            for (var i = 0; i < counted.Length; i++)
                counted[i] = new(await CountAsync(channel, Sampled[i].Queues, cancellationToken), new KeyValuePair<string, object?>("queue", Sampled[i].Label));
            sample = counted;
            succeeded();
            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    private static async Task<long> CountAsync(IChannel channel, string[] queues, CancellationToken cancellationToken)
    {
        var count = 0L;
        foreach (var queue in queues)
            count += await channel.MessageCountAsync(queue, cancellationToken);
        return count;
    }
}
