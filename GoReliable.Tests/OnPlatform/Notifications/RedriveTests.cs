using System.Diagnostics;
using System.Net;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>Messages that were given up are sent again.</summary>
[Collection(DeadLetterPlatform.Name)]
public sealed class RedriveTests(DeadLetterPlatform own, RedriveTests.TwoRedriven redriven)
    : IClassFixture<RedriveTests.TwoRedriven>
{
    private readonly GoReliablePlatform platform = own.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_redriven_letter_is_delivered_as_a_first_attempt()
    {
        var delivered = await WaitUntilDeliveredAsync();

        Assert.Equal(1L, delivered["Attempt"]);
    }

    [Fact]
    public async Task A_redriven_letter_is_notified_once()
    {
        await WaitUntilDeliveredAsync();

        Assert.Equal(1, await own.NotifiedAsync(redriven.Delivered.Id));
    }

    [Fact]
    public async Task A_redriven_letter_is_gone() =>
        await (await own.Operator.GetAsync($"/dead-letters/{redriven.Delivered.Id}", Cancel)).AssertProblemAsync(
            HttpStatusCode.NotFound
        );

    [Fact]
    public async Task All_attempts_are_in_the_trace_of_the_event()
    {
        var attempts = await AttemptsAsync();

        Assert.Equal([1L, 2L], attempts.Take(2).Select(attempt => attempt["goreliable.delivery.attempt"]));
        Assert.All(attempts, attempt => Assert.Equal(redriven.Delivered.SpanId, attempt.ParentSpanId));
    }

    [Fact]
    public async Task The_first_failure_was_in_the_first_attempt()
    {
        var first = (await AttemptsAsync())[0];

        Assert.InRange(redriven.Letter.FirstFailure!.Value, first.Start, first.End);
    }

    [Fact]
    public async Task Redriving_is_logged_with_a_hash_of_the_operator()
    {
        var id = $"{redriven.Delivered.Id}";
        var told = await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "dead_letter.redriven" && (string?)log["DeadLetterId"] == id,
            Cancel
        );

        Assert.Matches("^[0-9a-f]{12}$", (string?)told["Operator"]);
    }

    [Fact]
    public void A_letter_that_fails_again_counts_its_redrives() =>
        Assert.Equal((2, 1), (redriven.FailedAgain.Attempts, redriven.FailedAgain.Redriven));

    [Fact]
    public void A_letter_that_fails_again_keeps_its_first_failure() =>
        Assert.Equal(redriven.FailedFirst.FirstFailure!.Value, redriven.FailedAgain.FirstFailure!.Value);

    [Fact]
    public void A_letter_that_fails_again_is_dead_since_it_failed_again() =>
        Assert.True(redriven.FailedAgain.DeadSince > redriven.FailedFirst.DeadSince);

    [Fact]
    public async Task A_letter_that_was_delivered_after_all_is_not_sent_again()
    {
        var message = await own.GiveUpAsync();
        message.Unblock();
        // As if the worker had been killed between publishing it again and removing it: it is in both places.
        await using var database = await platform.DatabaseAsync("notifications-db");
        await database.RunAsync(
            $"CREATE TABLE both_{message.Id:n} AS SELECT * FROM dead_letters WHERE id = '{message.Id}'"
        );
        await own.RedriveAsync(message.Id);
        await Poll.UntilAsync("the notification", () => own.NotifiedAsync(message.Id), count => count == 1);
        await using var back = database.CreateCommand(
            $"INSERT INTO dead_letters SELECT * FROM both_{message.Id:n}; DROP TABLE both_{message.Id:n}"
        );
        await back.ExecuteNonQueryAsync(Cancel);

        await own.RedriveAsync(message.Id);

        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.duplicate" && log.TraceId == message.TraceId,
            Cancel
        );
        Assert.Equal(1, await own.NotifiedAsync(message.Id));
    }

    [Fact]
    public async Task Two_operators_redrive_each_letter_once()
    {
        var messages = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => own.GiveUpAsync()));
        foreach (var message in messages)
            message.Unblock();
        var ids = messages.Select(message => message.Id).ToArray();

        var answers = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => own.BulkAsync("redrive", new { ids })));

        Assert.Equal(10, answers.Sum(answer => answer.Done));
        await Poll.UntilAsync("ten notifications", () => own.NotifiedAsync(ids), count => count == 10);
        // A copy would be in the queue before this one, and its log before this one's.
        var later = await TestEvent.PublishAsync(platform);
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.delivered" && log.TraceId == later.TraceId,
            Cancel
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
        var redriving = own.BulkAsync("redrive", new { ids, perSecond = 3 });
        await Poll.UntilAsync("the first notifications", () => own.NotifiedAsync(ids), count => count > 0);
        await platform.KillAsync("notifications");
        await Record.ExceptionAsync(() => redriving);
        await platform.StartAsync("notifications");
        await platform.WaitUntilHealthyAsync("notifications");
        Assert.InRange(await own.NotifiedAsync(ids), 1, 29);

        await own.BulkAsync("redrive", new { ids });
        await Poll.UntilAsync("all notifications", () => own.NotifiedAsync(ids), count => count == 30);
        Assert.All(ids, id => Assert.Single(Directory.GetFiles(platform.PickupFolder, $"{id}*")));
        Assert.Equal(0, (await own.BulkAsync("redrive", new { ids })).Remaining);
    }

    private Task<ReceivedLog> WaitUntilDeliveredAsync() =>
        platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.delivered" && log.TraceId == redriven.Delivered.TraceId,
            Cancel
        );

    private async Task<List<ReceivedSpan>> AttemptsAsync()
    {
        var trace = await platform.Telemetry.WaitForTraceAsync(
            redriven.Delivered.TraceId,
            ["store notifications"],
            Cancel
        );
        return [.. trace.Spans.Where(span => span.Kind == ActivityKind.Consumer).OrderBy(span => span.Start)];
    }

    /// <summary>Letters that were sent again: one was delivered, the other failed again.</summary>
    public sealed class TwoRedriven(DeadLetterPlatform own) : IAsyncLifetime
    {
        internal TestEvent Delivered { get; private set; } = null!;

        /// <summary>As it was before it was delivered.</summary>
        internal DeadLetterAnswer Letter { get; private set; } = null!;

        internal DeadLetterAnswer FailedFirst { get; private set; } = null!;

        internal DeadLetterAnswer FailedAgain { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            var messages = await Task.WhenAll(own.GiveUpAsync(), own.GiveUpAsync());
            (Delivered, var failing) = (messages[0], messages[1]);
            Letter = (await own.FindAsync(Delivered.Id)).Letter;
            FailedFirst = (await own.FindAsync(failing.Id)).Letter;

            Delivered.Unblock();
            await own.RedriveAsync(Delivered.Id);
            await own.RedriveAsync(failing.Id);

            FailedAgain = (await own.FindAsync(failing.Id)).Letter;
            await own.DiscardAsync(failing.Id);
            failing.Unblock();
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
