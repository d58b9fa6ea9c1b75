using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using GoReliable.Messaging;
using GoReliable.Tests.Platform;
using RabbitMQ.Client;

namespace GoReliable.Tests.OnPlatform.Poison;

/// <summary>Messages that no customer could bring about, and those that a client library, or JSON, cannot take.</summary>
internal static class Odd
{
    public const int Giant = 70_000_000;

    /// <summary>An address to which nothing can ever be sent.</summary>
    public const string NoAddress = "a@";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>
    /// Valid on the wire; no .NET decimal has more than 28 places, so no client of ours can decode it.
    /// </summary>
    public static object Undecodable
    {
        get
        {
            var odd = 1m;
            Unsafe.As<decimal, int>(ref odd) = 29 << 16;
            return odd;
        }
    }

    /// <summary>Tables in each other.</summary>
    public static object Nested(int depth)
    {
        object inner = 1;
        for (var i = 0; i < depth; i++)
            inner = new Dictionary<string, object?> { ["a"] = inner };
        return inner;
    }

    /// <summary>Publishes to a queue, past the exchange.</summary>
    /// <returns>The message's id.</returns>
    public static async Task<string> PublishAsync(
        GoReliablePlatform platform,
        string queue,
        byte[] body,
        params (string Name, object? Value)[] headers
    ) => (await PublishAllAsync(platform, queue, [body], headers))[0];

    /// <summary>Publishes several, in their order.</summary>
    public static async Task<string[]> PublishAllAsync(
        GoReliablePlatform platform,
        string queue,
        IEnumerable<byte[]> bodies,
        params (string Name, object? Value)[] headers
    )
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true), Cancel);
        return await Task.WhenAll(bodies.Select(SendAsync));

        async Task<string> SendAsync(byte[] body)
        {
            var properties = new BasicProperties
            {
                Persistent = true,
                MessageId = Guid.NewGuid().ToString(),
                Headers = headers.Length == 0 ? null : headers.ToDictionary(one => one.Name, one => one.Value),
            };
            await channel.BasicPublishAsync("", queue, mandatory: true, properties, body, Cancel);
            return properties.MessageId;
        }
    }

    /// <summary>Declares the worker's queue, and removes what other tests left in it.</summary>
    public static async Task EmptyQueueAsync(GoReliablePlatform platform)
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        await OrderTopology.DeclareAsync(channel, Cancel);
        await channel.QueuePurgeAsync(OrderTopology.Queue, Cancel);
    }

    /// <summary>An event that can be delivered, unless its address is <see cref="NoAddress"/>.</summary>
    public static byte[] Event(Guid id, string? contactEmail = null) =>
        Encoding.UTF8.GetBytes(
            $$"""
            {"id":"{{id}}","type":"goreliable.order.created.v1","time":"{{DateTime.UtcNow:O}}",
            "data":{"orderId":"{{Guid.CreateVersion7()}}","customerId":"odd","total":1.00,"currency":"EUR",
            "contactEmail":{{JsonSerializer.Serialize(contactEmail)}}} }
            """
        );
}
