using System.Text.Json;
using GoReliable.Notifications.Messages;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>What an operator learns about messages that were given up.</summary>
[Collection(SharedPlatform.Name)]
public sealed class DeadLetterTests(DeadLetterOperator own, DeadLetterTests.TwoLetters letters)
    : IClassFixture<DeadLetterOperator>,
        IClassFixture<DeadLetterTests.TwoLetters>,
        IAsyncDisposable
{
    private DeadLetterAnswer Letter => letters.Failed.Detail.Letter;

    private Dictionary<string, JsonElement> Headers => letters.Failed.Detail.Properties.Headers;

    public async ValueTask DisposeAsync() => await own.CleanAsync();

    [Fact]
    public void A_letter_says_why_its_event_was_given_up()
    {
        Assert.Equal(
            ("order.created", "retries_exhausted", 4, 0),
            (Letter.EventType, Letter.Reason, Letter.Attempts, Letter.Redriven)
        );
        Assert.Equal(4, Headers[MessageHeaders.Attempt].GetInt32());
        Assert.NotEmpty(Letter.ExceptionType!);
        Assert.NotEmpty(Letter.ExceptionMessage!);
    }

    [Fact]
    public void A_letter_says_when_the_first_attempt_failed()
    {
        Assert.Equal(
            Headers[MessageHeaders.FirstFailure].GetDateTimeOffset(),
            Letter.FirstFailure!.Value,
            TimeSpan.FromMilliseconds(1)
        );
        Assert.True(Letter.FirstFailure <= Letter.DeadSince);
    }

    [Fact]
    public void A_letter_has_the_body_of_its_message() =>
        Assert.Contains("\"odd@example.com\"", letters.Failed.Detail.Body, StringComparison.Ordinal);

    [Fact]
    public async Task A_letter_belongs_to_the_trace_of_its_event()
    {
        Assert.Equal(letters.Failed.TraceId, Letter.TraceId);
        Assert.Contains(
            letters.Failed.TraceId,
            Headers[MessageHeaders.TraceParent].GetString(),
            StringComparison.Ordinal
        );
        await own.Platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "dead_letter.stored" && log.TraceId == letters.Failed.TraceId,
            TestContext.Current.CancellationToken
        );
    }

    // Another attempt would not help.
    [Fact]
    public void A_letter_without_an_event_says_what_is_wrong_with_it_after_one_attempt()
    {
        var unreadable = letters.Unreadable;
        Assert.Equal(
            ("unknown", "unreadable", "System.Text.Json.JsonException", 1, letters.Poison.TraceId),
            (unreadable.EventType, unreadable.Reason, unreadable.ExceptionType, unreadable.Attempts, unreadable.TraceId)
        );
        Assert.NotEmpty(unreadable.ExceptionMessage!);
    }

    [Fact]
    public async Task Pages_have_every_letter_once()
    {
        var ids = await own.GiveUpAsync(3);

        var (found, cursor) = (new List<Guid>(), (string?)null);
        do
        {
            var page = await own.PageAsync($"?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}");
            Assert.InRange(page.Items.Length, 1, 2);
            found.AddRange(page.Items.Select(letter => letter.Id));
            cursor = page.NextCursor;
        } while (cursor is not null);

        Assert.Equal(ids.Order(), found.Where(ids.Contains).Order());
    }

    [Fact]
    public async Task The_gauge_tells_how_many_letters_wait()
    {
        await own.GiveUpAsync(3);
        await using var database = await own.Platform.DatabaseAsync("notifications-db");

        await Poll.UntilAsync(
            "all letters in the gauge",
            async () =>
                (await Exposition.ScrapeAsync(own.Client)).Sum(
                    "goreliable_notification_worker_queue_messages",
                    ("queue", "dead")
                ) - await database.ScalarAsync<long>("SELECT count(*) FROM dead_letters"),
            difference => difference == 0
        );
    }

    /// <summary>Of an event that could not be delivered, and of a message without an event.</summary>
    public sealed class TwoLetters(SharedPlatform shared) : IAsyncLifetime
    {
        private readonly DeadLetterOperator own = new(shared);

        internal FailedEvent Failed { get; private set; } = null!;

        internal TestEvent Poison { get; private set; } = null!;

        internal DeadLetterAnswer Unreadable { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Poison = await TestEvent.PublishAsync(own.Platform, poison: true);
            Failed = await own.FailAsync();
            Unreadable = await own.FindByMessageAsync($"{Poison.Id}");
        }

        public async ValueTask DisposeAsync()
        {
            await own.BulkAsync("discard", new { ids = new[] { Failed.Id, Unreadable.Id } });
            own.Dispose();
        }
    }
}
