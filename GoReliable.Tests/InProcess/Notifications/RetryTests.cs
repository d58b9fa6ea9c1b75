using System.ComponentModel.DataAnnotations;
using System.Text;
using GoReliable.Notifications.Messages;
using GoReliable.Notifications.Retrying;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace GoReliable.Tests.InProcess.Notifications;

public sealed class RetryTests
{
    private static readonly Failure Transient = new(
        Permanent: false,
        "rejected",
        "System.IO.IOException",
        "Summary",
        "Detail"
    );

    [Fact]
    public void Each_failed_attempt_waits_in_the_next_queue_and_the_last_one_gives_up()
    {
        TimeSpan[] delays = [TimeSpan.FromSeconds(2.5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(5)];
        string[] queues = ["notifications.retry.2.5s", "notifications.retry.300s", "notifications.retry.300s"];
        var plan = Plan(delays);

        for (var attempt = 1; attempt <= delays.Length; attempt++)
            Assert.Equal(new ScheduledRetry(queues[attempt - 1], delays[attempt - 1]), plan.After(attempt, random: 0));
        Assert.Null(plan.After(delays.Length + 1, random: 0));
        Assert.Equal(delays.Distinct(), plan.Queues);
    }

    [Fact]
    public void Delays_that_are_configured_replace_the_default_and_bad_ones_are_named()
    {
        Assert.Equal(
            [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60)],
            Configured().Effective
        );
        Assert.Equal([TimeSpan.FromSeconds(5)], Configured("00:00:05").Effective);

        Assert.Empty(Problems(Configured("00:00:00.001", "12:00:00")));
        Assert.Equal(
            [
                "Retry:Delays:1 is 00:00:00, but must be from 00:00:00.0010000 to 12:00:00 "
                    + "(hours:minutes:seconds; a number alone means days).",
            ],
            Problems(Configured("00:00:01", "00:00:00"))
        );
        Assert.Equal(
            ["Retry:Delays has 11 entries, but 10 at most are allowed."],
            Problems(Configured([.. Enumerable.Repeat("00:00:01", 11)]))
        );
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(0.5, 9)]
    [InlineData(1, 8)]
    public void Jitter_shortens_a_delay_by_a_fifth_at_most(double random, double seconds)
    {
        Assert.Equal(TimeSpan.FromSeconds(seconds), Plan().After(2, random)!.Value.Delay);
        Assert.Equal(TimeSpan.FromSeconds(seconds), Plan().Deferral(5, random).Delay);
    }

    [Fact]
    public void A_message_that_is_deferred_often_waits_longer_and_no_attempt_is_counted()
    {
        var (message, waits) = (Events.Message(), new List<double>());
        for (var i = 0; i < 12; i++)
        {
            var wait = Plan().Deferral(message.Deferrals, random: 0);
            waits.Add(wait.Delay.TotalSeconds);
            message = Events.Message(FailedMessage.ForDeferral(message, message.Deferrals + 1, wait).Headers);
        }

        Assert.Equal([1, 1, 1, 1, 1, 10, 10, 10, 10, 10, 60, 60], waits);
        Assert.Equal((1, 12), (message.Attempt, message.Deferrals));
        // The next attempt may have to wait as well, and begins anew.
        Assert.Equal(0, Events.Message(Retry(message, Events.Time).Headers).Deferrals);
    }

    [Fact]
    public void A_retried_message_keeps_its_identity_and_counts_its_attempts()
    {
        var first = Events.Message(new Dictionary<string, object?> { ["traceparent"] = "00-a-b-01"u8.ToArray() });
        var second = Events.Message(Retry(first, Events.Time).Headers);
        var twice = Retry(second, Events.Time.AddSeconds(1));

        Assert.Equal((1, 2), (first.Attempt, second.Attempt));
        Assert.Equal(2, twice.Headers![MessageHeaders.Attempt]);
        Assert.Equal($"{Events.Time.UtcDateTime:O}", twice.Headers[MessageHeaders.FirstFailure]);
        Assert.Equal(("m1", "t", true, "10000"), (twice.MessageId, twice.Type, twice.Persistent, twice.Expiration));
        Assert.Equal("00-a-b-01"u8.ToArray(), twice.Headers["traceparent"]);
    }

    [Fact]
    public void A_copy_carries_nothing_that_the_broker_would_act_on()
    {
        var message = Events.Message(
            new Dictionary<string, object?>
            {
                ["x-death"] = new List<object>(),
                ["x-first-death-queue"] = "q",
                ["x-last-death-reason"] = "expired",
                ["x-delivery-count"] = 3L,
                ["CC"] = new List<object> { "notifications" },
                ["BCC"] = new List<object>(),
                ["mine"] = 1,
            }
        );

        var copy = FailedMessage.ForDeadLetter(message, Transient, Events.Time);

        Assert.Equal(
            [
                "mine",
                MessageHeaders.Attempt,
                MessageHeaders.DeadAt,
                MessageHeaders.DeadReason,
                MessageHeaders.ExceptionMessage,
                MessageHeaders.ExceptionType,
                MessageHeaders.FirstFailure,
            ],
            copy.Headers!.Keys.Order(StringComparer.Ordinal)
        );
        Assert.Equal("Detail", copy.Headers[MessageHeaders.ExceptionMessage]);
        Assert.False(copy.IsExpirationPresent());
    }

    [Theory]
    [InlineData(3, 4)]
    [InlineData(3L, 4)]
    [InlineData("3", 4)]
    [InlineData("many", 1)]
    [InlineData(-7, 1)]
    public void The_attempt_is_read_from_any_kind_of_header(object header, int attempt)
    {
        var value = header is string text ? Encoding.UTF8.GetBytes(text) : header;

        Assert.Equal(
            attempt,
            Events.Message(new Dictionary<string, object?> { [MessageHeaders.Attempt] = value }).Attempt
        );
    }

    private static RabbitMQ.Client.BasicProperties Retry(Message message, DateTimeOffset now) =>
        FailedMessage.ForRetry(message, Plan().After(message.Attempt, random: 0)!.Value, now);

    private static RetryPlan Plan(params TimeSpan[] delays) =>
        new(Options.Create(new RetryOptions { Delays = [.. delays] }));

    private static RetryOptions Configured(params string[] delays) =>
        new ConfigurationBuilder()
            .AddInMemoryCollection(
                delays.Select((delay, i) => KeyValuePair.Create($"Retry:Delays:{i}", (string?)delay))
            )
            .Build()
            .GetSection(RetryOptions.Section)
            .Get<RetryOptions>()
        ?? new RetryOptions();

    private static List<string?> Problems(RetryOptions options) =>
        [.. options.Validate(new ValidationContext(options)).Select(problem => problem.ErrorMessage)];
}
