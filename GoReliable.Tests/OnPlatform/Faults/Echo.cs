using GoReliable.Messaging;
using GoReliable.Tests.Platform;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Puts every event into the worker's queue two more times, until it is disposed.</summary>
internal sealed class Echo : IAsyncDisposable
{
    private readonly IConnection connection;
    private readonly IChannel channel;
    private readonly double before;

    private Echo(IConnection connection, IChannel channel, double before) =>
        (this.connection, this.channel, this.before) = (connection, channel, before);

    public static async Task<Echo> BeginAsync(GoReliablePlatform platform)
    {
        var connection = await platform.BrokerAsync();
        var channel = await connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken);
        var queue = await channel.QueueDeclareAsync(cancellationToken: TestContext.Current.CancellationToken);
        await channel.QueueBindAsync(
            queue.QueueName,
            OrderTopology.Exchange,
            OrderTopology.Binding,
            cancellationToken: TestContext.Current.CancellationToken
        );
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += async (_, message) =>
        {
            for (var again = 0; again < 2; again++)
                await channel.BasicPublishAsync(
                    "",
                    OrderTopology.Queue,
                    mandatory: false,
                    new BasicProperties(message.BasicProperties),
                    message.Body,
                    message.CancellationToken
                );
        };
        var echo = new Echo(connection, channel, await RemovedAsync(platform));
        await channel.BasicConsumeAsync(
            queue.QueueName,
            autoAck: true,
            consumer,
            TestContext.Current.CancellationToken
        );
        return echo;
    }

    /// <summary>Waits until the worker has found hundreds of them to be duplicates.</summary>
    public Task UntilRemovedAsync(GoReliablePlatform platform) =>
        Poll.UntilAsync("duplicates", () => RemovedAsync(platform), removed => removed - before > 500);

    public async ValueTask DisposeAsync()
    {
        await channel.DisposeAsync();
        await connection.DisposeAsync();
    }

    private static async Task<double> RemovedAsync(GoReliablePlatform platform)
    {
        using var notifications = platform.Management("notifications");
        return (await Exposition.ScrapeAsync(notifications)).Sum(
            "goreliable_notification_worker_messages_processed_total",
            ("result", "duplicate")
        );
    }
}
