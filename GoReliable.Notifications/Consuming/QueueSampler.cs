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
        var succeeded = true;
        while (true)
        {
            try
            {
                await SampleAsync(() => succeeded = true, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // Said once, until it worked again.
                if (succeeded)
                    logger.QueuesNotSampled(Session.Explain(exception));
                succeeded = false;
            }
            await Task.Delay(Interval, time, stoppingToken);
        }
    }

    private async Task SampleAsync(Action onSuccess, CancellationToken cancellationToken)
    {
        var connection = await broker.ConnectAsync(cancellationToken);
        // A channel of its own: asking for a queue that does not exist closes the channel.
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        await OrderTopology.DeclareAsync(channel, cancellationToken);
        try
        {
            while (true)
            {
                // The client library waits 20 s for an answer, and a token does not cut that short.
                sample = await CountAsync(channel, cancellationToken).WaitAsync(Interval, time, cancellationToken);
                onSuccess();
                await Task.Delay(Interval, time, cancellationToken);
            }
        }
        finally
        {
            // Before the channel is disposed of, which takes its time where the broker does not answer.
            sample = [];
        }
    }

    private static async Task<Measurement<long>[]> CountAsync(IChannel channel, CancellationToken cancellationToken)
    {
        var counted = new Measurement<long>[Sampled.Length];
        for (var i = 0; i < counted.Length; i++)
            counted[i] = new(await CountAsync(channel, Sampled[i].Queues, cancellationToken), new KeyValuePair<string, object?>("queue", Sampled[i].Label));
        return counted;
    }

    private static async Task<long> CountAsync(IChannel channel, string[] queues, CancellationToken cancellationToken)
    {
        var count = 0L;
        foreach (var queue in queues)
            count += await channel.MessageCountAsync(queue, cancellationToken);
        return count;
    }
}
