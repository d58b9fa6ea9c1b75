using System.Collections.Concurrent;
using System.Text.Json;
using GoReliable.Tests.Platform;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace GoReliable.Tests.Faults;

/// <summary>Two instances of Orders: which of them relays changes all the time, what arrives does not.</summary>
public sealed class ReplicaTests
{
    [Fact]
    public async Task Two_relays_publish_each_event_once_and_those_of_an_order_in_order()
    {
        const int Orders = 150;
        await using var platform = await GoReliablePlatform.StartAsync(replicas: 2);
        var seen = new ConcurrentQueue<(Guid Event, Guid Order, int Version)>();
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken);
        await ListenAsync(channel, seen);

        using var alice = platform.Client("alice");
        await Parallel.ForAsync(0, Orders, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = TestContext.Current.CancellationToken }, async (_, _) =>
        {
            var order = await alice.CreateAsync();
            await alice.ChangeAsync(order, "confirm");
            await alice.ChangeAsync(order, "cancel");
        });

        await Eventually.SeeAsync($"{3 * Orders} events", () => Task.FromResult(seen.Count), count => count >= 3 * Orders);
        Assert.Equal(3 * Orders, seen.Select(message => message.Event).Distinct().Count());
        Assert.Equal(3 * Orders, seen.Count);
        Assert.All(seen.GroupBy(message => message.Order), order => Assert.Equal([1, 2, 3], order.Select(message => message.Version)));
    }

    // A queue of our own on the same exchange: a copy of every event, in the order in which the broker got them.
    private static async Task ListenAsync(IChannel channel, ConcurrentQueue<(Guid, Guid, int)> seen)
    {
        var queue = await channel.QueueDeclareAsync(cancellationToken: TestContext.Current.CancellationToken);
        await channel.QueueBindAsync(queue.QueueName, "orders", "#", cancellationToken: TestContext.Current.CancellationToken);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, message) =>
        {
            var @event = JsonSerializer.Deserialize<JsonElement>(message.Body.Span);
            var data = @event.GetProperty("data");
            seen.Enqueue((@event.GetProperty("id").GetGuid(), data.GetProperty("orderId").GetGuid(), data.GetProperty("version").GetInt32()));
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer, TestContext.Current.CancellationToken);
    }
}
