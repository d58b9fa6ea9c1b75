using GoReliable.Messaging;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// A mail server that takes its time, and messages whose delivery breaks off for reasons that are not theirs.
/// </summary>
[Collection(RestartablePlatform.Name)]
public sealed class SlowMailServerTests(RestartablePlatform mail) : IAsyncLifetime
{
    private readonly GoReliablePlatform platform = mail.Platform;
    private readonly Lock counting = new();
    private int underWay;
    private int mostAtOnce;

    public ValueTask InitializeAsync()
    {
        mail.Server.BeforeYes = _ => TakeTimeAsync();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync() => await mail.CalmAsync();

    [Fact]
    public async Task A_burst_waits_for_its_turn_without_a_retry_queue()
    {
        using var customer = platform.Client("burst");
        using var management = platform.Management("notifications");
        await platform.StopAsync("notifications");
        var orders = new List<Guid>();
        for (var i = 0; i < 300; i++)
            orders.Add(await customer.CreateAsync($"burst{i}@example.com"));

        await platform.StartAsync("notifications");
        await Parallel.ForEachAsync(orders, TestContext.Current.CancellationToken, async (order, _) =>
            Assert.Single(await customer.WaitForNotificationsAsync(order))
        );

        Assert.Equal(0, await RetriedAsync(management));
        Assert.Equal(
            300,
            mail.Server.Received.Count(received => received.Recipient.Contains("burst", StringComparison.Ordinal))
        );
        Assert.InRange(mostAtOnce, 2, 32);
    }

    [Fact]
    public async Task Interrupted_deliveries_dead_letter_only_the_message_that_crashes_the_process()
    {
        var begun = DateTime.UtcNow;
        using var customer = platform.Client("broken-off");
        await platform.StopAsync("notifications");
        var orders = new List<Guid>();
        for (var i = 0; i < 20; i++)
            orders.Add(await customer.CreateAsync(i % 2 == 0 ? $"broken{i}@example.com" : null));
        var fatal = await TestEvent.PublishAsync(platform);
        await BreakOffAsync(times: 25, messages: 21);
        await WriteDownAsync(fatal.Id, deaths: 2);

        await platform.StartAsync("notifications");

        foreach (var order in orders)
            Assert.Single(await customer.WaitForNotificationsAsync(order));
        await using var database = await platform.DatabaseAsync("notifications-db");
        var reasons = await Poll.UntilAsync(
            "one dead letter",
            () =>
                database.ScalarAsync<string[]>(
                    "SELECT coalesce(array_agg(reason), '{}') FROM dead_letters WHERE dead_since > $1",
                    begun
                ),
            reasons => reasons.Length > 0
        );
        Assert.Equal(["fatal"], reasons);
        Assert.Equal(0, await database.ScalarAsync<long>("SELECT count(*) FROM suspects"));
    }

    /// <summary>Takes all messages and loses the connection, again and again.</summary>
    private async Task BreakOffAsync(int times, int messages)
    {
        for (var i = 0; i < times; i++)
        {
            await using var connection = await platform.BrokerAsync();
            await using var channel = await connection.CreateChannelAsync(
                cancellationToken: TestContext.Current.CancellationToken
            );
            await channel.BasicQosAsync(0, 200, global: false, TestContext.Current.CancellationToken);
            var (taken, all) = (0, new TaskCompletionSource());
            var consumer = new AsyncEventingBasicConsumer(channel);
            consumer.ReceivedAsync += (_, _) =>
            {
                if (Interlocked.Increment(ref taken) == messages)
                    all.SetResult();
                return Task.CompletedTask;
            };
            await channel.BasicConsumeAsync(
                OrderTopology.Queue,
                autoAck: false,
                consumer,
                TestContext.Current.CancellationToken
            );
            await all.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Writes the record that a worker leaves when it crashed this often while it read a message.</summary>
    private async Task WriteDownAsync(Guid @event, int deaths)
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        await using var database = await platform.DatabaseAsync("notifications-db");
        while (
            await channel.BasicGetAsync(OrderTopology.Queue, autoAck: false, TestContext.Current.CancellationToken)
                is { } delivery
        )
        {
            if (delivery.BasicProperties.MessageId != @event.ToString())
                continue;
            var message = new GoReliable.Notifications.Messages.Message(
                delivery.DeliveryTag,
                "",
                "",
                delivery.BasicProperties,
                delivery.Body.ToArray()
            );
            await database.RunAsync(
                "INSERT INTO suspects VALUES ($1, $2)",
                GoReliable.Notifications.DeadLetters.DeadLetter.IdOf(message),
                deaths
            );
        }
    }

    private static async Task<double> RetriedAsync(HttpClient management) =>
        (await Exposition.ScrapeAsync(management)).Sum(
            "goreliable_notification_worker_messages_processed_total",
            ("result", "retried")
        );

    // As a busy server does.
    private async Task TakeTimeAsync()
    {
        lock (counting)
            mostAtOnce = Math.Max(mostAtOnce, ++underWay);
        await Task.Delay(TimeSpan.FromMilliseconds(50));
        lock (counting)
            underWay--;
    }
}
