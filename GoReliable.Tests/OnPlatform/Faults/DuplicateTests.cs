using System.Text;
using GoReliable.Tests.Platform;
using RabbitMQ.Client;

namespace GoReliable.Tests.OnPlatform.Faults;

[Collection(SharedPlatform.Name)]
public sealed class DuplicateTests(SharedPlatform shared)
{
    private static double Count(Exposition scrape) =>
        scrape.Sum(
            "goreliable_notification_worker_messages_processed_total",
            ("event_type", "order.created"),
            ("result", "duplicate")
        );

    [Fact]
    public async Task An_event_that_arrives_many_times_is_notified_once()
    {
        var (order, @event) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var body = Encoding.UTF8.GetBytes(
            $$"""
            {"specversion":"1.0","id":"{{@event}}","source":"/goreliable/orders",
             "type":"goreliable.order.created.v1","subject":"{{order}}",
             "time":"2026-01-01T00:00:00Z","datacontenttype":"application/json",
             "data":{"orderId":"{{order}}","customerId":"twice","status":"pending",
             "currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.00}],
             "total":1.00,"contactEmail":"twice@example.com",
             "createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-01T00:00:00Z","version":1} }
            """
        );
        using var management = shared.Platform.Management("notifications");
        var before = await Exposition.ScrapeAsync(management);
        await using var connection = await shared.Platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(true, true),
            TestContext.Current.CancellationToken
        );

        for (var i = 0; i < 20; i++)
        {
            var properties = new BasicProperties
            {
                Persistent = true,
                ContentType = "application/cloudevents+json",
                MessageId = @event.ToString(),
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

        // A later event of the same customer is through: so are the twenty before it.
        using var twice = shared.Platform.Client("twice");
        await twice.WaitForNotificationsAsync(await twice.CreateAsync());
        await Poll.UntilAsync(
            "an empty queue",
            async () => await channel.MessageCountAsync("notifications", TestContext.Current.CancellationToken),
            ready => ready == 0
        );
        Assert.Single(await twice.WaitForNotificationsAsync(order));
        var duplicates = await Poll.UntilAsync(
            "19 duplicates",
            async () => Count(await Exposition.ScrapeAsync(management)) - Count(before),
            count => count >= 19
        );
        Assert.Equal(19, duplicates);
        Assert.Single(Directory.GetFiles(shared.Platform.PickupFolder, $"{@event}*"));
    }
}
