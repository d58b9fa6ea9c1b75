using System.Globalization;
using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Rows of the outbox that the broker does not take delay no others.</summary>
[Collection(RestartablePlatform.Name)]
public sealed class OutboxRowTests(OutboxFixture own) : IClassFixture<OutboxFixture>
{
    private readonly GoReliablePlatform platform = own.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Rows_that_no_queue_takes_delay_no_others_and_wait_for_an_operator()
    {
        using var alice = platform.Client("alice");
        var before = DateTimeOffset.UtcNow;
        for (var i = 0; i < 600; i++)
            await own.InsertAsync(Guid.CreateVersion7(), "nobody.wants");
        await alice.WaitForNotificationsAsync(await alice.CreateAsync());

        await Poll.UntilAsync(
            "600 in the gauge",
            () => own.GaugeAsync("outbox_set_aside_messages"),
            count => count == 600
        );
        Assert.Equal(0, await own.GaugeAsync("outbox_pending_messages"));
        var page = await own.Operator.GetAsync<PageAnswer<SetAsideAnswer>>("/outbox/set-aside?limit=200");
        Assert.Equal(200, page.Items.Length);
        Assert.NotNull(page.NextCursor);
        Assert.All(page.Items, item => Assert.Equal((5, "312 NO_ROUTE"), (item.Attempts, item.Reason)));
        // Not one for each: one for each attempt, and for each batch of it.
        Assert.InRange(
            platform.Telemetry.Logs().Count(log => log.Time > before && log.EventName == "outbox.publish_failed"),
            5,
            20
        );
        Assert.InRange(
            platform.Telemetry.Logs().Count(log => log.Time > before && log.EventName == "outbox.set_aside"),
            1,
            20
        );

        await using var wanted = await own.BindAsync("wanted", "nobody.*");
        var retried = await own.RedriveAsync(new { all = true, reason = "312 NO_ROUTE" });
        Assert.Equal(600, (await retried.ReadAsync<RetriedAnswer>()).Done);
        await Poll.UntilAsync("600 published", () => own.CountAsync("nobody.%"), count => count == 0);
        await Poll.UntilAsync(
            "none in the gauge",
            () => own.GaugeAsync("outbox_set_aside_messages"),
            count => count == 0
        );
        Assert.Equal(0, await own.ScalarAsync("SELECT count(*) FROM outbox_set_aside WHERE type LIKE 'nobody.%'"));
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "outbox.redriven" && Equals(log["Count"], 600L),
            Cancel
        );
    }

    [Fact]
    public async Task Later_rows_of_the_same_order_wait_and_stay_in_order()
    {
        var order = Guid.CreateVersion7();
        await own.InsertAsync(order, "one.first");
        await own.UntilSetAsideAsync(order);
        // Between the two, so that the relay is past the first one when it reads the second.
        var other = Guid.CreateVersion7();
        await own.InsertAsync(other, "order.confirmed");
        var second = await own.InsertAsync(order, "order.confirmed");
        await Poll.UntilAsync(
            "the other order published",
            () => own.ScalarAsync($"SELECT count(*) FROM outbox WHERE order_id = '{other}'"),
            count => count == 0
        );

        var detail = await own.Operator.GetAsync<SetAsideDetailAnswer>($"/outbox/set-aside/{order}");
        Assert.Equal("one.first", detail.Item.Type);
        Assert.Equal(["one.first", "order.confirmed"], detail.Events.Select(row => row.Type));
        Assert.Contains($"{second}", detail.Events[1].Body, StringComparison.Ordinal);

        await using var all = await own.BindAsync("all", "#");
        var answer = await own.Operator.PostAsync($"/outbox/set-aside/{order}/redrive", content: null, Cancel);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await Poll.UntilAsync(
            "both published",
            () => own.ScalarAsync($"SELECT count(*) FROM outbox WHERE order_id = '{order}'"),
            count => count == 0
        );
        var keys = new List<string>();
        while (await all.Channel.BasicGetAsync("all", autoAck: true, Cancel) is { } message)
            keys.Add(message.RoutingKey);
        Assert.Equal(
            ["one.first", "order.confirmed"],
            keys.Where(key => key == "one.first" || key == "order.confirmed")
        );
    }

    [Fact]
    public async Task A_row_that_closes_the_channel_is_set_aside_and_the_rest_of_its_batch_is_published()
    {
        Assert.SkipUnless(
            RabbitMqControl.IsAvailable(platform),
            "Only a broker that is a process of this machine can be told to take small messages only."
        );
        using var alice = platform.Client("alice");
        await LimitMessagesAsync(bytes: 100_000);
        try
        {
            await alice.WaitForNotificationsAsync(await alice.CreateAsync());
            var large = Guid.CreateVersion7();
            await own.InsertAsync(large, "order.created", body: new byte[200_000]);
            var orders = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => alice.CreateAsync()));
            foreach (var order in orders)
                await alice.WaitForNotificationsAsync(order);

            await own.UntilSetAsideAsync(large);
            await alice.WaitForNotificationsAsync(await alice.CreateAsync());
            Assert.Equal(
                HttpStatusCode.NoContent,
                (await own.Operator.DeleteAsync($"/outbox/set-aside/{large}", Cancel)).StatusCode
            );
            await Poll.UntilAsync("all published", () => own.CountAsync("order.%"), count => count == 0);
        }
        finally
        {
            await LimitMessagesAsync(bytes: 134_217_728);
        }
    }

    // A channel asks for the limit when it is opened.
    private Task LimitMessagesAsync(int bytes) =>
        RabbitMqControl.EvaluateAsync(
            platform,
            string.Create(
                CultureInfo.InvariantCulture,
                $"application:set_env(rabbit, max_message_size, {bytes}), "
                    + $"[rabbit_networking:close_connection(Pid, \"limit\") || Pid <- rabbit_networking:connections()]."
            )
        );
}
