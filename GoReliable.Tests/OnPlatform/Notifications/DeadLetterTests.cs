using System.Diagnostics;
using System.Net;
using System.Text;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>What an operator does with messages that were given up.</summary>
[Collection(DeadLetterPlatform.Name)]
public sealed class DeadLetterTests(DeadLetterPlatform own)
{
    private readonly GoReliablePlatform platform = own.Platform;

    [Fact]
    public async Task A_dead_letter_says_what_happened_and_a_redriven_one_is_notified_once_in_its_trace()
    {
        var message = await own.GiveUpAsync();

        var detail = await own.FindAsync(message.Id);
        var letter = detail.GetProperty("letter");
        Assert.Equal(
            ("order.created", "retries_exhausted", 2, 0),
            (
                letter.GetProperty("eventType").GetString(),
                letter.GetProperty("reason").GetString(),
                letter.GetProperty("attempts").GetInt32(),
                letter.GetProperty("redriven").GetInt32()
            )
        );
        Assert.Equal(message.TraceId, letter.GetProperty("traceId").GetString());
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "dead_letter.stored" && log.TraceId == message.TraceId,
            TestContext.Current.CancellationToken
        );
        Assert.NotEqual("", letter.GetProperty("exceptionType").GetString());
        Assert.NotEqual("", letter.GetProperty("exceptionMessage").GetString());
        var headers = detail.GetProperty("properties").GetProperty("headers");
        Assert.Equal(2, headers.GetProperty("x-attempt").GetInt32());
        Assert.Equal(
            letter.GetProperty("firstFailure").GetDateTime(),
            headers.GetProperty("x-first-failure").GetDateTime(),
            TimeSpan.FromMilliseconds(1)
        );
        Assert.True(letter.GetProperty("firstFailure").GetDateTime() <= letter.GetProperty("deadSince").GetDateTime());
        Assert.Contains(
            "\"contactEmail\":\"test-event@example.com\"",
            detail.GetProperty("body").GetString(),
            StringComparison.Ordinal
        );
        Assert.Contains(message.TraceId, headers.GetProperty("traceparent").GetString(), StringComparison.Ordinal);

        message.Unblock();
        var response = await own.Operator.PostAsync(
            $"/dead-letters/{message.Id}/redrive",
            content: null,
            TestContext.Current.CancellationToken
        );
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        var delivered = await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.delivered" && log.TraceId == message.TraceId,
            TestContext.Current.CancellationToken
        );
        Assert.Equal(1L, delivered["Attempt"]);
        Assert.Equal(1, await own.NotifiedAsync(message.Id));
        var trace = await platform.Telemetry.WaitForTraceAsync(
            message.TraceId,
            ["store notifications"],
            TestContext.Current.CancellationToken
        );
        var attempts = trace
            .Spans.Where(span => span.Kind == ActivityKind.Consumer)
            .OrderBy(span => span.Start)
            .ToList();
        Assert.Equal([1L, 2L], attempts.Take(2).Select(attempt => attempt["goreliable.delivery.attempt"]));
        Assert.InRange(letter.GetProperty("firstFailure").GetDateTimeOffset(), attempts[0].Start, attempts[0].End);
        Assert.All(attempts, attempt => Assert.Equal(message.SpanId, attempt.ParentSpanId));
        await (
            await own.Operator.GetAsync($"/dead-letters/{message.Id}", TestContext.Current.CancellationToken)
        ).AssertProblemAsync(HttpStatusCode.NotFound);

        var told = await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "dead_letter.redriven" && (string?)log["DeadLetterId"] == $"{message.Id}",
            TestContext.Current.CancellationToken
        );
        Assert.Matches("^[0-9a-f]{12}$", (string?)told["Operator"]);
    }

    [Fact]
    public async Task A_letter_that_fails_again_keeps_its_first_failure_and_counts_its_redrives()
    {
        var message = await own.GiveUpAsync();
        var first = (await own.FindAsync(message.Id)).GetProperty("letter");
        await own.Operator.PostAsync(
            $"/dead-letters/{message.Id}/redrive",
            content: null,
            TestContext.Current.CancellationToken
        );

        var again = (await own.FindAsync(message.Id)).GetProperty("letter");
        Assert.Equal((2, 1), (again.GetProperty("attempts").GetInt32(), again.GetProperty("redriven").GetInt32()));
        Assert.Equal(first.GetProperty("firstFailure").GetDateTime(), again.GetProperty("firstFailure").GetDateTime());
        Assert.True(again.GetProperty("deadSince").GetDateTime() > first.GetProperty("deadSince").GetDateTime());
        await DiscardAsync(message.Id);
        message.Unblock();
    }

    [Fact]
    public async Task A_letter_that_was_delivered_after_all_is_not_sent_again()
    {
        var message = await own.GiveUpAsync();
        message.Unblock();
        // As if the worker had been killed between publishing it again and removing it: it is in both places.
        await using var database = await platform.DatabaseAsync("notifications-db");
        await using var copy = database.CreateCommand(
            $"CREATE TABLE both_{message.Id:n} AS SELECT * FROM dead_letters WHERE id = '{message.Id}'"
        );
        await copy.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await own.Operator.PostAsync(
            $"/dead-letters/{message.Id}/redrive",
            content: null,
            TestContext.Current.CancellationToken
        );
        await Poll.UntilAsync("the notification", () => own.NotifiedAsync(message.Id), count => count == 1);
        await using var back = database.CreateCommand(
            $"INSERT INTO dead_letters SELECT * FROM both_{message.Id:n}; DROP TABLE both_{message.Id:n}"
        );
        await back.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        await own.Operator.PostAsync(
            $"/dead-letters/{message.Id}/redrive",
            content: null,
            TestContext.Current.CancellationToken
        );

        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.duplicate" && log.TraceId == message.TraceId,
            TestContext.Current.CancellationToken
        );
        Assert.Equal(1, await own.NotifiedAsync(message.Id));
    }

    [Fact]
    public async Task A_letter_without_an_event_has_an_id_and_can_be_discarded()
    {
        var poison = await TestEvent.PublishAsync(platform, poison: true);
        var letter = await Poll.UntilAsync(
            "the poison in the list",
            async () =>
                (await own.Operator.GetJsonAsync("/dead-letters?limit=200"))
                    .GetProperty("items")
                    .EnumerateArray()
                    .FirstOrDefault(item => item.GetProperty("messageId").GetString() == $"{poison.Id}"),
            found => found.ValueKind != System.Text.Json.JsonValueKind.Undefined
        );
        Assert.Equal(
            ("unknown", "unreadable"),
            (letter.GetProperty("eventType").GetString(), letter.GetProperty("reason").GetString())
        );
        // At the first attempt, since another one would not help.
        Assert.Equal(
            (1, poison.TraceId),
            (letter.GetProperty("attempts").GetInt32(), letter.GetProperty("traceId").GetString())
        );
        Assert.Equal("System.Text.Json.JsonException", letter.GetProperty("exceptionType").GetString());
        Assert.NotEqual("", letter.GetProperty("exceptionMessage").GetString());

        var id = letter.GetProperty("id").GetGuid();
        await DiscardAsync(id);
        await (
            await own.Operator.DeleteAsync($"/dead-letters/{id}", TestContext.Current.CancellationToken)
        ).AssertProblemAsync(HttpStatusCode.NotFound);
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "dead_letter.discarded" && (string?)log["DeadLetterId"] == $"{id}",
            TestContext.Current.CancellationToken
        );
    }

    [Fact]
    public async Task Two_operators_redrive_each_letter_once_and_the_gauge_tells_how_many_wait()
    {
        var messages = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => own.GiveUpAsync()));
        using var management = platform.Management("notifications");
        await Poll.UntilAsync(
            "ten in the gauge",
            async () =>
                (await Exposition.ScrapeAsync(management)).Sum(
                    "goreliable_notification_worker_queue_messages",
                    ("queue", "dead")
                ),
            waiting => waiting >= 10
        );
        foreach (var message in messages)
            message.Unblock();

        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 2)
                .Select(async _ =>
                    await (
                        await own.PostAsync(
                            "/dead-letters/redrive",
                            new { ids = messages.Select(message => message.Id) }
                        )
                    ).JsonAsync()
                )
        );

        Assert.Equal(10, answers.Sum(answer => answer.GetProperty("done").GetInt32()));
        await Poll.UntilAsync(
            "ten notifications",
            () => own.NotifiedAsync([.. messages.Select(message => message.Id)]),
            count => count == 10
        );
        Assert.DoesNotContain(platform.Telemetry.Logs(), log =>
            log.EventName == "notification.duplicate" && messages.Any(message => message.TraceId == log.TraceId)
        );
    }

    [Fact]
    public async Task A_worker_that_is_killed_while_it_redrives_loses_nothing_and_sends_nothing_twice()
    {
        var messages = await Task.WhenAll(
            Enumerable.Range(0, 30).Select(_ => TestEvent.PublishAsync(platform, block: true))
        );
        var ids = messages.Select(message => message.Id).ToArray();
        foreach (var message in messages)
        {
            await own.FindAsync(message.Id);
            message.Unblock();
        }

        // One call takes five seconds, and does half of them.
        var redriving = own.PostAsync("/dead-letters/redrive", new { ids, perSecond = 3 });
        await Poll.UntilAsync("the first notifications", () => own.NotifiedAsync(ids), count => count > 0);
        await platform.KillAsync("notifications");
        await Record.ExceptionAsync(() => redriving);
        await platform.StartAsync("notifications");
        await platform.WaitUntilHealthyAsync("notifications");
        Assert.InRange(await own.NotifiedAsync(ids), 1, 29);

        Assert.Equal(HttpStatusCode.OK, (await own.PostAsync("/dead-letters/redrive", new { ids })).StatusCode);
        await Poll.UntilAsync("all notifications", () => own.NotifiedAsync(ids), count => count == 30);
        Assert.All(ids, id => Assert.Single(Directory.GetFiles(platform.PickupFolder, $"{id}*")));
        Assert.Equal(
            0,
            (await (await own.PostAsync("/dead-letters/redrive", new { ids })).JsonAsync())
                .GetProperty("remaining")
                .GetInt32()
        );
    }

    [Fact]
    public async Task Operating_needs_the_scope_and_works_only_on_the_management_port()
    {
        var id = Guid.CreateVersion7();
        foreach (
            var (method, path) in new[]
            {
                ("GET", "/dead-letters"),
                ("GET", $"/dead-letters/{id}"),
                ("DELETE", $"/dead-letters/{id}"),
                ("POST", $"/dead-letters/{id}/redrive"),
                ("POST", "/dead-letters/redrive"),
                ("POST", "/dead-letters/discard"),
            }
        )
        {
            using var nobody = platform.Management("notifications");
            await (await SendAsync(nobody, method, path)).AssertProblemAsync(HttpStatusCode.Unauthorized);
            nobody.DefaultRequestHeaders.Authorization = platform.Tokens.Bearer("alice");
            await (await SendAsync(nobody, method, path)).AssertProblemAsync(HttpStatusCode.Forbidden);
            foreach (var service in new[] { "gateway", "notifications" })
            {
                using var outside = platform.Client(service, "olga", Scopes.NotificationsOperate);
                outside.DefaultRequestHeaders.Host = own.Operator.BaseAddress!.Authority;
                Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(outside, method, path)).StatusCode);
            }
        }
    }

    [Theory]
    [InlineData("GET", "/dead-letters?limit=0", null, 400)]
    [InlineData("GET", "/dead-letters?limit=201", null, 400)]
    [InlineData("GET", "/dead-letters?cursor=x", null, 400)]
    [InlineData("GET", "/dead-letters/x", null, 404)]
    [InlineData("PUT", "/dead-letters", null, 405)]
    [InlineData("POST", "/dead-letters/redrive", null, 400)]
    [InlineData("POST", "/dead-letters/redrive", "{", 400)]
    [InlineData("POST", "/dead-letters/redrive", "null", 400)]
    [InlineData("POST", "/dead-letters/redrive", "{}", 400)]
    [InlineData("POST", "/dead-letters/redrive", """{"ids":[]}""", 400)]
    [InlineData("POST", "/dead-letters/redrive", """{"all":true,"some":1}""", 400)]
    [InlineData(
        "POST",
        "/dead-letters/redrive",
        """{"all":true,"ids":["0195f1a0-0000-7000-8000-000000000001"]}""",
        400
    )]
    [InlineData("POST", "/dead-letters/redrive", """{"all":true,"perSecond":1001}""", 400)]
    [InlineData("POST", "/dead-letters/discard", """{"all":true,"reason":"\u0000"}""", 400)]
    public async Task A_bad_request_is_answered_with_a_problem(string method, string path, string? body, int status) =>
        await (await SendAsync(own.Operator, method, path, body)).AssertProblemAsync((HttpStatusCode)status);

    private async Task DiscardAsync(Guid id) =>
        Assert.Equal(
            HttpStatusCode.NoContent,
            (await own.Operator.DeleteAsync($"/dead-letters/{id}", TestContext.Current.CancellationToken)).StatusCode
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
                Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json"),
            },
            TestContext.Current.CancellationToken
        );
}
