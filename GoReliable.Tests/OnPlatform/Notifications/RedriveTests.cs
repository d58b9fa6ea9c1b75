using System.Diagnostics;
using System.Net;
using GoReliable.Messaging;
using GoReliable.Tests.OnPlatform.Poison;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>Messages that were given up are sent again.</summary>
[Collection(SharedPlatform.Name)]
public sealed class RedriveTests(DeadLetterOperator own, RedriveTests.Redriven redriven)
    : IClassFixture<DeadLetterOperator>,
        IClassFixture<RedriveTests.Redriven>
{
    private readonly GoReliablePlatform platform = own.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_redriven_letter_is_delivered_once_as_a_first_attempt_and_is_gone()
    {
        var delivered = await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.delivered" && log.TraceId == redriven.Event.TraceId,
            Cancel
        );

        Assert.Equal(1L, delivered["Attempt"]);
        Assert.Equal(1, await own.NotifiedAsync(redriven.Event.Id));
        using var gone = await own.Client.GetAsync($"/dead-letters/{redriven.Event.Id}", Cancel);
        await gone.AssertProblemAsync(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task All_attempts_are_in_the_trace_of_the_event()
    {
        var trace = await platform.Telemetry.WaitForTraceAsync(
            redriven.Event.TraceId,
            tree => tree.Spans.Count(span => span.Kind == ActivityKind.Consumer) == 2,
            Cancel
        );

        var attempts = trace
            .Spans.Where(span => span.Kind == ActivityKind.Consumer)
            .OrderBy(span => span.Start)
            .ToList();
        Assert.Equal([4L, 1L], attempts.Select(attempt => attempt["goreliable.delivery.attempt"]));
        Assert.All(attempts, attempt => Assert.Equal(redriven.Event.SpanId, attempt.ParentSpanId));
        Assert.InRange(redriven.Event.Detail.Letter.FirstFailure!.Value, attempts[0].Start, attempts[0].End);
    }

    [Fact]
    public async Task Redriving_is_logged_with_a_hash_of_the_operator()
    {
        var told = await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "dead_letter.redriven" && (string?)log["DeadLetterId"] == $"{redriven.Event.Id}",
            Cancel
        );

        Assert.Matches("^[0-9a-f]{12}$", (string?)told["Operator"]);
    }

    [Fact]
    public async Task A_letter_that_fails_again_counts_its_redrives_and_keeps_its_first_failure()
    {
        var id = Guid.CreateVersion7();
        await Odd.PublishAsync(platform, OrderTopology.Queue, Odd.Event(id, contactEmail: Odd.NoAddress));
        var first = (await own.FindAsync(id)).Letter;

        await own.RedriveAsync(id);

        var again = (await own.FindAsync(id)).Letter;
        await own.DiscardAsync(id);
        Assert.Equal((1, 1), (again.Attempts, again.Redriven));
        Assert.Equal(first.FirstFailure!.Value, again.FirstFailure!.Value);
        Assert.True(again.DeadSince > first.DeadSince);
    }

    [Fact]
    public async Task A_letter_that_was_delivered_after_all_is_not_sent_again()
    {
        var id = (await own.GiveUpAsync(1))[0];
        // As if the worker had been killed between publishing it again and removing it: it is in both places.
        await using var database = await platform.DatabaseAsync("notifications-db");
        await database.RunAsync($"CREATE TABLE both_{id:n} AS SELECT * FROM dead_letters WHERE id = '{id}'");
        await own.RedriveAsync(id);
        await own.WaitUntilNotifiedAsync(id);
        await using var back = database.CreateCommand(
            $"INSERT INTO dead_letters SELECT * FROM both_{id:n}; DROP TABLE both_{id:n}"
        );
        await back.ExecuteNonQueryAsync(Cancel);

        await own.RedriveAsync(id);

        await platform.Telemetry.WaitForLogAsync(log => IsDuplicateOf(log, id), Cancel);
        Assert.Equal(1, await own.NotifiedAsync(id));
    }

    [Fact]
    public async Task Two_operators_redrive_each_letter_once()
    {
        var ids = await own.GiveUpAsync(10);

        var answers = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => own.BulkAsync("redrive", new { ids })));

        Assert.Equal(10, answers.Sum(answer => answer.Done));
        await own.WaitUntilNotifiedAsync(ids);
        // A copy would be in the queue before this one, and its log before this one's.
        var later = await TestEvent.PublishAsync(platform);
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.delivered" && log.TraceId == later.TraceId,
            Cancel
        );
        Assert.DoesNotContain(platform.Telemetry.Logs(), log => ids.Any(id => IsDuplicateOf(log, id)));
    }

    private static bool IsDuplicateOf(OtlpReceiver.ReceivedLog log, Guid id) =>
        log.EventName == "notification.duplicate" && (string?)log["EventId"] == $"{id}";

    /// <summary>A letter that was sent again and delivered.</summary>
    public sealed class Redriven(SharedPlatform shared) : IAsyncLifetime
    {
        internal FailedEvent Event { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            using var own = new DeadLetterOperator(shared);
            Event = await own.FailAsync();
            await own.RedriveAsync(Event.Id);
            await own.WaitUntilNotifiedAsync(Event.Id);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
