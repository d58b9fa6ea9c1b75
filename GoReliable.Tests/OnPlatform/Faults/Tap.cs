using System.Text.Json;
using GoReliable.Messaging;
using GoReliable.Tests.Platform;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>What was published about an order, as a copy of the message says.</summary>
internal sealed record Published(Guid Event, Guid Order, int Version);

/// <summary>
/// A durable queue on the exchange that gets a copy of every event, in the order in which the broker got them.
/// </summary>
internal static class Tap
{
    private const string Queue = "ledger";

    /// <summary>Copies from now on. The exchange is declared as the services do it: they may come later.</summary>
    public static async Task OpenAsync(GoReliablePlatform platform)
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        await channel.ExchangeDeclareAsync(
            OrderTopology.Exchange,
            ExchangeType.Topic,
            durable: true,
            cancellationToken: TestContext.Current.CancellationToken
        );
        var arguments = new Dictionary<string, object?> { ["x-queue-type"] = "quorum" };
        await channel.QueueDeclareAsync(
            Queue,
            durable: true,
            exclusive: false,
            autoDelete: false,
            arguments,
            cancellationToken: TestContext.Current.CancellationToken
        );
        await channel.QueueBindAsync(
            Queue,
            OrderTopology.Exchange,
            OrderTopology.Binding,
            cancellationToken: TestContext.Current.CancellationToken
        );
    }

    /// <summary>No more copies, for whoever uses the broker next.</summary>
    public static async Task CloseAsync(GoReliablePlatform platform)
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        await channel.QueueDeleteAsync(
            Queue,
            ifUnused: false,
            ifEmpty: false,
            cancellationToken: TestContext.Current.CancellationToken
        );
    }

    /// <summary>Takes all copies that there are.</summary>
    public static async Task<List<Published>> EmptyAsync(GoReliablePlatform platform)
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        var (copies, ended) = (new List<Published>(), new TaskCompletionSource());
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, message) =>
        {
            if (message.Body.IsEmpty)
                ended.TrySetResult();
            else
                copies.Add(Read(message.Body.Span));
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(Queue, autoAck: true, consumer, TestContext.Current.CancellationToken);
        // The empty message marks the end of the copies. The queue's length is not reliable: RabbitMQ reports 0 for a
        // busy queue that does not answer within 250 ms.
        await channel.BasicPublishAsync(
            exchange: "",
            Queue,
            ReadOnlyMemory<byte>.Empty,
            TestContext.Current.CancellationToken
        );
        await ended.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        return copies;
    }

    private static Published Read(ReadOnlySpan<byte> body)
    {
        var @event = JsonSerializer.Deserialize<JsonElement>(body);
        var data = @event.GetProperty("data");
        return new(
            @event.GetProperty("id").GetGuid(),
            data.GetProperty("orderId").GetGuid(),
            data.GetProperty("version").GetInt32()
        );
    }
}
