using System.Text.Json;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>What an operator learns about messages that were given up.</summary>
[Collection(DeadLetterPlatform.Name)]
public sealed class DeadLetterTests(DeadLetterPlatform own, DeadLetterTests.TwoLetters letters)
    : IClassFixture<DeadLetterTests.TwoLetters>
{
    private readonly GoReliablePlatform platform = own.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private DeadLetterAnswer Letter => letters.Detail.Letter;

    private Dictionary<string, JsonElement> Headers => letters.Detail.Properties.Headers;

    [Fact]
    public void A_letter_says_why_its_event_was_given_up() =>
        Assert.Equal(
            ("order.created", "retries_exhausted", 2, 0),
            (Letter.EventType, Letter.Reason, Letter.Attempts, Letter.Redriven)
        );

    [Fact]
    public void A_letter_says_what_the_last_attempt_failed_with()
    {
        Assert.NotEmpty(Letter.ExceptionType!);
        Assert.NotEmpty(Letter.ExceptionMessage!);
    }

    [Fact]
    public void A_letter_says_when_the_first_attempt_failed() =>
        Assert.Equal(
            Headers["x-first-failure"].GetDateTimeOffset(),
            Letter.FirstFailure!.Value,
            TimeSpan.FromMilliseconds(1)
        );

    [Fact]
    public void The_first_failure_was_before_the_event_was_given_up() =>
        Assert.True(Letter.FirstFailure <= Letter.DeadSince);

    [Fact]
    public void A_letter_has_the_number_of_its_attempts_in_a_header() =>
        Assert.Equal(2, Headers["x-attempt"].GetInt32());

    [Fact]
    public void A_letter_has_the_body_of_its_message() =>
        Assert.Contains("\"contactEmail\":\"test-event@example.com\"", letters.Detail.Body, StringComparison.Ordinal);

    [Fact]
    public void A_letter_belongs_to_the_trace_of_its_event()
    {
        Assert.Equal(letters.Message.TraceId, Letter.TraceId);
        Assert.Contains(letters.Message.TraceId, Headers["traceparent"].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Storing_a_letter_is_logged_in_the_trace_of_its_event() =>
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "dead_letter.stored" && log.TraceId == letters.Message.TraceId,
            Cancel
        );

    [Fact]
    public void A_letter_without_an_event_says_what_is_wrong_with_it()
    {
        Assert.Equal(
            ("unknown", "unreadable", "System.Text.Json.JsonException"),
            (letters.Unreadable.EventType, letters.Unreadable.Reason, letters.Unreadable.ExceptionType)
        );
        Assert.NotEmpty(letters.Unreadable.ExceptionMessage!);
    }

    // Another attempt would not help.
    [Fact]
    public void A_message_without_an_event_is_tried_once() => Assert.Equal(1, letters.Unreadable.Attempts);

    [Fact]
    public void A_letter_without_an_event_belongs_to_the_trace_of_its_message() =>
        Assert.Equal(letters.Poison.TraceId, letters.Unreadable.TraceId);

    [Fact]
    public async Task The_gauge_tells_how_many_letters_wait()
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

        await own.BulkAsync("discard", new { ids = messages.Select(message => message.Id) });
    }

    /// <summary>Of an event that could not be delivered, and of a message without an event.</summary>
    public sealed class TwoLetters(DeadLetterPlatform own) : IAsyncLifetime
    {
        internal TestEvent Message { get; private set; } = null!;

        internal DeadLetterDetailAnswer Detail { get; private set; } = null!;

        internal TestEvent Poison { get; private set; } = null!;

        internal DeadLetterAnswer Unreadable { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Message = await TestEvent.PublishAsync(own.Platform, block: true);
            Poison = await TestEvent.PublishAsync(own.Platform, poison: true);
            Detail = await own.FindAsync(Message.Id);
            Unreadable = await own.FindByMessageAsync($"{Poison.Id}");
        }

        public async ValueTask DisposeAsync()
        {
            await own.BulkAsync("discard", new { ids = new[] { Detail.Letter.Id, Unreadable.Id } });
            Message.Unblock();
        }
    }
}
