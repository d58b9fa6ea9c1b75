using System.Text;
using GoReliable.Tests.Platform;
using RabbitMQ.Client;

namespace GoReliable.Tests.OnPlatform.Faults;

[Collection(SharedPlatform.Name)]
public sealed class LateEventTests(SharedPlatform shared)
{
    [Fact]
    public async Task Events_that_arrive_out_of_order_are_notified_once_each_and_listed_by_version()
    {
        var order = Guid.CreateVersion7();
        using var customer = shared.Platform.Client("late");
        await using var connection = await shared.Platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(true, true),
            TestContext.Current.CancellationToken
        );

        await PublishAsync(channel, order, "order.cancelled", version: 3);
        await customer.WaitForNotificationsAsync(order, 1);
        await PublishAsync(channel, order, "order.created", version: 1);
        await PublishAsync(channel, order, "order.confirmed", version: 2);

        var listed = await customer.WaitForNotificationsAsync(order, 3);
        Assert.Equal(
            [("order.created", 1), ("order.confirmed", 2), ("order.cancelled", 3)],
            listed.Select(item => (item.Type, item.Version))
        );
    }

    private static async Task PublishAsync(IChannel channel, Guid order, string type, int version)
    {
        // The clock that wrote the times went backwards, which a version does not.
        var body = Encoding.UTF8.GetBytes(
            $$"""
            {"specversion":"1.0","id":"{{Guid.CreateVersion7()}}","source":"/goreliable/orders",
             "type":"goreliable.{{type}}.v1","subject":"{{order}}",
             "time":"2026-01-0{{9
                - version}}T00:00:00Z","data":{"orderId":"{{order}}","customerId":"late","version":{{version}}} }
            """
        );
        await channel.BasicPublishAsync(
            "orders",
            type,
            mandatory: true,
            new BasicProperties { Persistent = true, ContentType = "application/cloudevents+json" },
            body,
            TestContext.Current.CancellationToken
        );
    }
}
