using System.Runtime.CompilerServices;
using System.Text;
using GoReliable.Tests.Platform;
using RabbitMQ.Client;

namespace GoReliable.Tests.OnPlatform.Poison;

/// <summary>Messages that a client library, or JSON, cannot take.</summary>
internal static class Odd
{
    public const int Giant = 70_000_000;

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
    )
    {
        var id = Guid.NewGuid().ToString();
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(true, true),
            TestContext.Current.CancellationToken
        );
        var properties = new BasicProperties
        {
            Persistent = true,
            MessageId = id,
            Headers = headers.Length == 0 ? null : headers.ToDictionary(header => header.Name, header => header.Value),
        };
        await channel.BasicPublishAsync(
            "",
            queue,
            mandatory: true,
            properties,
            body,
            TestContext.Current.CancellationToken
        );
        return id;
    }

    /// <summary>An event that can be delivered.</summary>
    public static byte[] Event(Guid id) =>
        Encoding.UTF8.GetBytes(
            $$"""
            {"id":"{{id}}","type":"goreliable.order.created.v1","time":"{{DateTime.UtcNow:O}}",
            "data":{"orderId":"{{Guid.CreateVersion7()}}","customerId":"odd"} }
            """
        );
}
