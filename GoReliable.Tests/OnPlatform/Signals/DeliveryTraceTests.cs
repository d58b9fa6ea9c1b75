using System.Diagnostics;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>The trace of a message at the worker: each attempt, a duplicate, and its end as a dead letter.</summary>
[Collection(SharedPlatform.Name)]
public sealed class DeliveryTraceTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_attempt_at_a_notification_has_its_own_span_and_each_failure_one_log_line()
    {
        var message = await TestEvent.PublishAsync(platform, block: true);
        await WaitForLogAsync(message, "notification.retried");
        message.Unblock();
        await WaitForLogAsync(message, "notification.delivered");

        var trace = await platform.Telemetry.WaitForTraceAsync(
            message.TraceId,
            tree => tree.IsConnected && tree.Named("send email").Any(span => span.Status != ActivityStatusCode.Error),
            Cancel
        );
        var attempts = trace.Named("send email").OrderBy(span => span.Start).ToList();
        Assert.True(attempts.Count >= 2, $"{trace}");
        AssertFailed(attempts[..^1]);
        var consumers = attempts.Select(attempt => trace.ParentOf(attempt)!).ToList();
        Assert.Equal(attempts.Count, consumers.Distinct().Count());
        Assert.All(consumers, consumer =>
            Assert.Equal((ActivityKind.Consumer, message.SpanId), (consumer.Kind, consumer.ParentSpanId))
        );
        var numbers = Enumerable.Range(1, attempts.Count).Select(attempt => (object?)(long)attempt);
        Assert.Equal(numbers, consumers.Select(consumer => consumer["goreliable.delivery.attempt"]));
        Assert.Equal(
            numbers.SkipLast(1).Select(number => ("notification.retried", LogLevel.Warning, number)),
            platform
                .Telemetry.Logs(message.TraceId)
                .Where(log => log.Level > LogLevel.Information)
                .Select(log => (log.EventName!, log.Level, log["Attempt"]))
        );
    }

    [Fact]
    public async Task A_message_that_arrives_twice_is_consumed_twice_and_sent_once()
    {
        var message = await TestEvent.PublishAsync(platform, times: 2);
        var trace = await platform.Telemetry.WaitForTraceAsync(
            message.TraceId,
            tree => tree.Spans.Count(span => span.Kind == ActivityKind.Consumer) == 2 && tree.Named("send email").Any(),
            Cancel
        );

        Assert.Single(trace.Named("send email"));
    }

    [Fact]
    public async Task A_dead_letter_ends_its_trace_with_an_error()
    {
        var message = await TestEvent.PublishAsync(platform, poison: true);
        var consumer = await platform.Telemetry.WaitForSpanAsync(
            span => span.TraceId == message.TraceId && span.Kind == ActivityKind.Consumer,
            Cancel
        );

        Assert.Equal(message.SpanId, consumer.ParentSpanId);
        AssertFailed([consumer]);
    }

    [Fact]
    public async Task A_defect_is_logged_in_its_messages_trace_and_the_message_delivered_after_the_repair()
    {
        // A table that is not what the code thinks, which no waiting mends.
        await using var database = await platform.DatabaseAsync("notifications-db");
        await database.RunAsync("ALTER TABLE inbox ADD CONSTRAINT broken CHECK (false) NOT VALID");
        TestEvent message;
        try
        {
            message = await TestEvent.PublishAsync(platform);
            Assert.Equal(1L, (await WaitForLogAsync(message, "consumer.batch_failed"))["Messages"]);
            var retried = await WaitForLogAsync(message, "notification.retried");
            Assert.Equal("Unexpected PostgresException.", retried["Error"]);
        }
        finally
        {
            await database.RunAsync("ALTER TABLE inbox DROP CONSTRAINT broken");
        }
        await WaitForLogAsync(message, "notification.delivered");

        var trace = await platform.Telemetry.WaitForTraceAsync(message.TraceId, ["store notifications"], Cancel);
        var deliveries = trace.Spans.Where(span => span.Kind == ActivityKind.Consumer).ToList();
        Assert.True(deliveries.Count >= 2, $"{trace}");
        Assert.All(deliveries, delivery => Assert.Equal(message.SpanId, delivery.ParentSpanId));
        AssertFailed(deliveries[..^1]);
        Assert.Equal(ActivityStatusCode.Unset, deliveries[^1].Status);
        Assert.Same(deliveries[^1], trace.ParentOf(trace.Only("store notifications")));
    }

    private static void AssertFailed(IEnumerable<ReceivedSpan> spans) => Assert.All(spans, span =>
        {
            Assert.Equal(ActivityStatusCode.Error, span.Status);
            Assert.Contains(span.Events, happened => happened.Name == "exception");
        });

    private Task<ReceivedLog> WaitForLogAsync(TestEvent message, string @event) =>
        platform.Telemetry.WaitForLogAsync(log => log.TraceId == message.TraceId && log.EventName == @event, Cancel);
}
