using System.Diagnostics;
using System.Globalization;
using System.Net;
using GoReliable.Messaging;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Rows of the outbox that come late, or that the broker does not take.</summary>
public sealed class OutboxTests(OutboxPlatform own) : IClassFixture<OutboxPlatform>
{
    private readonly GoReliablePlatform platform = own.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_row_that_commits_seconds_after_later_rows_is_published_soon()
    {
        using var alice = platform.Client("alice");
        var id = await own.TakeIdAsync();
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(12); )
            await alice.WaitForNotificationsAsync(await alice.CreateAsync());

        await own.InsertAsync(Guid.CreateVersion7(), id: id);

        await Poll.UntilAsync(
            "the late row published",
            () => own.ScalarAsync($"SELECT count(*) FROM outbox WHERE id = {id}"),
            count => count == 0,
            TimeSpan.FromSeconds(20)
        );
    }

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
        var page = await own.Operator.GetJsonAsync("/outbox/set-aside?limit=200");
        Assert.Equal(200, page.GetProperty("items").GetArrayLength());
        Assert.NotNull(page.GetProperty("nextCursor").GetString());
        Assert.All(page.GetProperty("items").EnumerateArray(), item =>
            Assert.Equal(
                (5, "312 NO_ROUTE"),
                (item.GetProperty("attempts").GetInt32(), item.GetProperty("reason").GetString())
            )
        );
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
        Assert.Equal(
            600,
            (await (await own.RedriveAsync(new { all = true, reason = "312 NO_ROUTE" })).JsonAsync())
                .GetProperty("done")
                .GetInt32()
        );
        await Poll.UntilAsync("600 published", () => own.CountAsync("nobody.%"), count => count == 0);
        await Poll.UntilAsync(
            "none in the gauge",
            () => own.GaugeAsync("outbox_set_aside_messages"),
            count => count == 0
        );
        Assert.Equal(0, await own.ScalarAsync("SELECT count(*) FROM outbox_set_aside"));
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
        await SetAsideAsync(order);
        var second = await own.InsertAsync(order, "order.confirmed");
        var other = Guid.CreateVersion7();
        await own.InsertAsync(other, "order.confirmed");
        await Poll.UntilAsync(
            "the other order published",
            () => own.ScalarAsync($"SELECT count(*) FROM outbox WHERE order_id = '{other}'"),
            count => count == 0
        );

        var detail = await own.Operator.GetJsonAsync($"/outbox/set-aside/{order}");
        Assert.Equal("one.first", detail.GetProperty("item").GetProperty("type").GetString());
        Assert.Equal(
            ["one.first", "order.confirmed"],
            detail.GetProperty("events").EnumerateArray().Select(row => row.GetProperty("type").GetString())
        );
        Assert.Contains(
            $"{second}",
            detail.GetProperty("events")[1].GetProperty("body").GetString(),
            StringComparison.Ordinal
        );

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
    public async Task An_operator_can_discard_a_row_and_the_rest_of_its_order_is_published()
    {
        var order = Guid.CreateVersion7();
        await own.InsertAsync(order, "two.first");
        await own.InsertAsync(order, "order.confirmed");
        await SetAsideAsync(order);

        Assert.Equal(
            HttpStatusCode.NoContent,
            (await own.Operator.DeleteAsync($"/outbox/set-aside/{order}", Cancel)).StatusCode
        );

        await Poll.UntilAsync(
            "nothing of the order",
            () => own.ScalarAsync($"SELECT count(*) FROM outbox WHERE order_id = '{order}'"),
            count => count == 0
        );
        await (await own.Operator.DeleteAsync($"/outbox/set-aside/{order}", Cancel)).AssertProblemAsync(
            HttpStatusCode.NotFound
        );
        await (await own.Operator.GetAsync($"/outbox/set-aside/{order}", Cancel)).AssertProblemAsync(
            HttpStatusCode.NotFound
        );
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "outbox.discarded" && (string?)log["OrderId"] == $"{order}",
            Cancel
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

            await SetAsideAsync(large);
            await alice.WaitForNotificationsAsync(await alice.CreateAsync());
            Assert.Equal(
                HttpStatusCode.NoContent,
                (await own.Operator.DeleteAsync($"/outbox/set-aside/{large}", Cancel)).StatusCode
            );
        }
        finally
        {
            await LimitMessagesAsync(bytes: 134_217_728);
        }
    }

    [Fact]
    public async Task A_full_queue_costs_one_log_line_a_second_and_needs_no_operator()
    {
        using var alice = platform.Client("alice");
        var before = DateTimeOffset.UtcNow;
        await using (var full = await own.BindAsync("full", "order.created", mostMessages: 1))
        {
            // More at once would be refused: a customer has a share of the database.
            var options = new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancel };
            await Parallel.ForAsync(0, 100, options, async (_, _) => await alice.CreateAsync());
            await own.InsertAsync(Guid.CreateVersion7(), "order.confirmed");
            await Poll.UntilAsync(
                "one of another type published",
                () => own.CountAsync("order.confirmed"),
                count => count == 0
            );
            await Poll.UntilAsync(
                "refused events",
                () => own.ScalarAsync("SELECT count(*) FROM outbox_set_aside WHERE attempts >= 6"),
                count => count > 0,
                TimeSpan.FromMinutes(2)
            );
            Assert.Equal(0, await own.ScalarAsync("SELECT count(*) FROM outbox_set_aside WHERE retry_at IS NULL"));
            Assert.NotEqual(0, await own.GaugeAsync("outbox_pending_messages"));
        }

        await Poll.UntilAsync(
            "all published",
            () => own.CountAsync("order.%"),
            count => count == 0,
            TimeSpan.FromMinutes(2)
        );
        var lines = platform
            .Telemetry.Logs()
            .Count(log => log.Time > before && log.EventName?.StartsWith("outbox.", StringComparison.Ordinal) == true);
        Assert.InRange(lines, 1, (int)(DateTimeOffset.UtcNow - before).TotalSeconds);
    }

    [Fact]
    public async Task A_queue_gets_what_it_refused_once_its_limit_is_removed()
    {
        Assert.SkipUnless(
            RabbitMqControl.IsAvailable(platform),
            "Only a broker that is a process of this machine can be given a policy."
        );
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        var quorum = new Dictionary<string, object?> { ["x-queue-type"] = "quorum", ["x-overflow"] = "reject-publish" };
        await channel.QueueDeclareAsync(
            "limited",
            durable: true,
            exclusive: false,
            autoDelete: false,
            quorum,
            cancellationToken: TestContext.Current.CancellationToken
        );
        try
        {
            await channel.QueueBindAsync(
                "limited",
                OrderTopology.Exchange,
                "order.created",
                cancellationToken: TestContext.Current.CancellationToken
            );
            await RabbitMqControl.EvaluateAsync(
                platform,
                """rabbit_policy:parse_set(<<"/">>, <<"limit">>, <<"^limited$">>, """
                    + """<<"{\"max-length\":1}">>, <<"0">>, <<"queues">>, <<"none">>)."""
            );
            using var alice = platform.Client("alice");
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => alice.CreateAsync()));
            await Poll.UntilAsync(
                "refused events",
                () => own.ScalarAsync("SELECT count(*) FROM outbox_set_aside"),
                count => count > 0
            );

            await RabbitMqControl.EvaluateAsync(
                platform,
                """rabbit_policy:delete(<<"/">>, <<"limit">>, <<"none">>)."""
            );

            await Poll.UntilAsync(
                "all published",
                () => own.CountAsync("order.%"),
                count => count == 0,
                TimeSpan.FromMinutes(2)
            );
        }
        finally
        {
            await channel.QueueDeleteAsync(
                "limited",
                ifUnused: false,
                ifEmpty: false,
                cancellationToken: TestContext.Current.CancellationToken
            );
        }
    }

    [Theory]
    [InlineData("GET", "/outbox/set-aside?limit=0", null, 400)]
    [InlineData("GET", "/outbox/set-aside?limit=201", null, 400)]
    [InlineData("GET", "/outbox/set-aside?cursor=x", null, 400)]
    [InlineData("GET", "/outbox/set-aside/x", null, 404)]
    [InlineData("PUT", "/outbox/set-aside", null, 405)]
    [InlineData("POST", "/outbox/set-aside/redrive", null, 400)]
    [InlineData("POST", "/outbox/set-aside/redrive", "{", 400)]
    [InlineData("POST", "/outbox/set-aside/redrive", "{}", 400)]
    [InlineData("POST", "/outbox/set-aside/redrive", """{"orders":[]}""", 400)]
    [InlineData("POST", "/outbox/set-aside/redrive", """{"all":true,"some":1}""", 400)]
    [InlineData("POST", "/outbox/set-aside/redrive", """{"all":true,"reason":"\u0000"}""", 400)]
    [InlineData("POST", "/outbox/set-aside/0195f1a0-0000-7000-8000-000000000001/redrive", null, 404)]
    public async Task A_bad_request_is_answered_with_a_problem(string method, string path, string? body, int status) =>
        await (await SendAsync(own.Operator, method, path, body)).AssertProblemAsync((HttpStatusCode)status);

    [Fact]
    public async Task Operating_needs_the_scope_and_works_only_on_the_management_port()
    {
        var order = Guid.CreateVersion7();
        foreach (
            var (method, path) in new[]
            {
                ("GET", "/outbox/set-aside"),
                ("GET", $"/outbox/set-aside/{order}"),
                ("DELETE", $"/outbox/set-aside/{order}"),
                ("POST", $"/outbox/set-aside/{order}/redrive"),
                ("POST", "/outbox/set-aside/redrive"),
            }
        )
        {
            using var nobody = platform.Management("orders");
            await (await SendAsync(nobody, method, path)).AssertProblemAsync(HttpStatusCode.Unauthorized);
            nobody.DefaultRequestHeaders.Authorization = platform.Tokens.Bearer("alice");
            await (await SendAsync(nobody, method, path)).AssertProblemAsync(HttpStatusCode.Forbidden);
            foreach (var service in new[] { "gateway", "orders" })
            {
                using var outside = platform.Client(
                    service,
                    "olga",
                    GoReliable.ServiceDefaults.Identity.Scopes.NotificationsOperate
                );
                outside.DefaultRequestHeaders.Host = own.Operator.BaseAddress!.Authority;
                Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(outside, method, path)).StatusCode);
            }
        }
        using var reader = platform.Client("orders", "alice");
        Assert.DoesNotContain(
            "set-aside",
            await reader.GetStringAsync("/openapi/v1.json", Cancel),
            StringComparison.Ordinal
        );
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

    private Task<int> SetAsideAsync(Guid order) =>
        Poll.UntilAsync(
            $"order {order} set aside",
            async () =>
                (int)
                    (
                        await own.Operator.GetAsync(
                            string.Create(CultureInfo.InvariantCulture, $"/outbox/set-aside/{order}"),
                            Cancel
                        )
                    ).StatusCode,
            status => status == 200
        );

    private static Task<HttpResponseMessage> SendAsync(
        HttpClient client,
        string method,
        string path,
        string? body = null
    ) =>
        client.SendAsync(
            new HttpRequestMessage(new HttpMethod(method), path)
            {
                Content = body is null ? null : new StringContent(body, System.Text.Encoding.UTF8, "application/json"),
            },
            Cancel
        );
}
