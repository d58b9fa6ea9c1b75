using System.Diagnostics;
using System.Text;
using GoReliable.Tests.Platform;
using RabbitMQ.Client;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>An order event that a test publishes itself, with a trace of its own.</summary>
internal sealed class TestEvent
{
    private readonly string email;

    private TestEvent(Guid id, string traceId, string spanId, string pickupFolder) =>
        (Id, TraceId, SpanId, email) = (id, traceId, spanId, Path.Combine(pickupFolder, $"{id}.eml"));

    public Guid Id { get; }

    public string TraceId { get; }

    /// <summary>Of the span that published it, which all that becomes of it descends from.</summary>
    public string SpanId { get; }

    /// <param name="platform">Where to.</param>
    /// <param name="times">How often the same message is sent.</param>
    /// <param name="poison">Sends something that is no event.</param>
    /// <param name="mark">Is in its customer, address or text.</param>
    /// <param name="block">Makes every delivery fail: where the e-mail should be written, a folder stands.</param>
    public static async Task<TestEvent> PublishAsync(
        GoReliablePlatform platform,
        int times = 1,
        bool block = false,
        bool poison = false,
        string mark = "test-event"
    )
    {
        var message = new TestEvent(
            Guid.CreateVersion7(),
            ActivityTraceId.CreateRandom().ToHexString(),
            ActivitySpanId.CreateRandom().ToHexString(),
            platform.PickupFolder
        );
        if (block)
            Directory.CreateDirectory(message.email);

        var order = Guid.CreateVersion7();
        var body = Encoding.UTF8.GetBytes(
            $$"""
            {"specversion":"1.0","id":"{{message.Id}}","source":"/goreliable/orders",
             "type":"goreliable.order.created.v1","subject":"{{order}}",
             "time":"{{DateTime.UtcNow:O}}",
             "data":{"orderId":"{{order}}","customerId":"{{mark}}",
              "contactEmail":"{{mark}}@example.com","total":1.00,"currency":"EUR"} }
            """
        );
        if (poison)
            body = Encoding.UTF8.GetBytes($"no event: {mark}");
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(true, true),
            TestContext.Current.CancellationToken
        );
        for (var i = 0; i < times; i++)
        {
            var properties = new BasicProperties
            {
                Persistent = true,
                ContentType = "application/cloudevents+json",
                MessageId = message.Id.ToString(),
                Headers = new Dictionary<string, object?>
                {
                    ["traceparent"] = $"00-{message.TraceId}-{message.SpanId}-01",
                },
            };
            await channel.BasicPublishAsync(
                "orders",
                "order.created",
                mandatory: true,
                properties,
                body,
                TestContext.Current.CancellationToken
            );
        }
        return message;
    }

    /// <summary>Whether its e-mail is in the pickup folder.</summary>
    public bool IsWritten => File.Exists(email);

    /// <summary>Lets the next attempt succeed.</summary>
    public void Unblock() => Directory.Delete(email);
}
