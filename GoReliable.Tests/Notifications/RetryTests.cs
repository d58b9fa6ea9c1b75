using System.Globalization;
using System.Text;
using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.Retrying;
using GoReliable.ServiceDefaults.Messaging;

namespace GoReliable.Tests.Notifications;

public sealed class RetryTests
{
    private static readonly Failure Transient = new(Permanent: false, "rejected", "System.IO.IOException", "Summary", "Detail");

    [Fact]
    public void Each_failed_attempt_waits_in_the_next_queue_and_the_last_one_gives_up()
    {
        for (var attempt = 1; attempt <= OrderTopology.RetryDelays.Count; attempt++)
        {
            var retry = RetryPlan.After(attempt, random: 0);
            Assert.Equal(new Retry(OrderTopology.RetryQueue(OrderTopology.RetryDelays[attempt - 1]), OrderTopology.RetryDelays[attempt - 1]), retry);
        }
        Assert.Null(RetryPlan.After(OrderTopology.RetryDelays.Count + 1, random: 0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    [InlineData(0.999)]
    public void Jitter_shortens_a_delay_by_a_fifth_at_most(double random)
    {
        var delay = RetryPlan.After(2, random)!.Value.Delay;

        Assert.InRange(delay, OrderTopology.RetryDelays[1] * (1 - RetryPlan.Jitter), OrderTopology.RetryDelays[1]);
    }

    [Fact]
    public void A_retried_message_keeps_its_identity_and_counts_its_attempts()
    {
        var first = Events.Message(new Dictionary<string, object?> { ["traceparent"] = "00-a-b-01"u8.ToArray() });
        var once = FailedMessage.ForRetry(first, RetryPlan.After(first.Attempt, random: 0)!.Value, Events.Time);
        var second = Events.Message(once.Headers);
        var twice = FailedMessage.ForRetry(second, RetryPlan.After(second.Attempt, random: 0)!.Value, Events.Time.AddSeconds(1));

        Assert.Equal((1, 2), (first.Attempt, second.Attempt));
        Assert.Equal(2, twice.Headers![MessageHeaders.Attempt]);
        Assert.Equal(Events.Time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture), twice.Headers[MessageHeaders.FirstFailure]);
        Assert.Equal(("m1", "t", true, "10000"), (twice.MessageId, twice.Type, twice.Persistent, twice.Expiration));
        Assert.Equal("00-a-b-01"u8.ToArray(), twice.Headers["traceparent"]);
    }

    [Fact]
    public void A_copy_carries_nothing_that_the_broker_would_act_on()
    {
        var message = Events.Message(new Dictionary<string, object?>
        {
            ["x-death"] = new List<object>(), ["x-first-death-queue"] = "q", ["x-last-death-reason"] = "expired", ["x-delivery-count"] = 3L,
            ["CC"] = new List<object> { "notifications" }, ["BCC"] = new List<object>(), ["mine"] = 1,
        });

        var copy = FailedMessage.ForDeadLetter(message, Transient, Events.Time);

        Assert.Equal(
            ["mine", MessageHeaders.Attempt, MessageHeaders.DeadAt, MessageHeaders.DeadReason, MessageHeaders.ExceptionMessage, MessageHeaders.ExceptionType, MessageHeaders.FirstFailure],
            copy.Headers!.Keys.Order(StringComparer.Ordinal));
        Assert.False(copy.IsExpirationPresent());
    }

    [Fact]
    public void A_dead_letter_says_why()
    {
        var exhausted = FailedMessage.ForDeadLetter(Events.Message(), Transient, Events.Time).Headers!;
        Assert.Equal(Failure.RetriesExhausted, exhausted[MessageHeaders.DeadReason]);
        Assert.Equal("System.IO.IOException", exhausted[MessageHeaders.ExceptionType]);
        Assert.Equal("Detail", exhausted[MessageHeaders.ExceptionMessage]);

        var poison = FailedMessage.ForDeadLetter(Events.Message(body: "nope"), Failure.Poison("unreadable", "Summary"), Events.Time).Headers!;
        Assert.Equal("unreadable", poison[MessageHeaders.DeadReason]);
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData(3, 4)]
    [InlineData(3L, 4)]
    [InlineData("3", 4)]
    [InlineData("many", 1)]
    [InlineData(-7, 1)]
    public void The_attempt_is_read_from_any_kind_of_header(object? header, int attempt)
    {
        var value = header is string text ? Encoding.UTF8.GetBytes(text) : header;

        Assert.Equal(attempt, Events.Message(header is null ? null : new Dictionary<string, object?> { [MessageHeaders.Attempt] = value }).Attempt);
    }
}
