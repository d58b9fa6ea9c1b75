using System.Diagnostics;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>The spans of a message at the worker: each attempt, a duplicate, and its end as a dead letter.</summary>
[Collection(SharedPlatform.Name)]
public sealed class DeliveryTraceTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task Each_attempt_at_a_notification_has_its_own_span_in_the_same_trace()
    {
        var message = await TestEvent.PublishAsync(platform, block: true);
        await platform.Telemetry.WaitForSpanAsync(
            span => span.TraceId == message.TraceId && span.Name == "send email",
            TestContext.Current.CancellationToken
        );
        message.Unblock();

        var trace = await platform.Telemetry.WaitForTraceAsync(
            message.TraceId,
            tree => tree.Named("send email").Any(span => span.Status != ActivityStatusCode.Error),
            TestContext.Current.CancellationToken
        );
        var attempts = trace.Named("send email").OrderBy(span => span.Start).ToList();
        Assert.True(attempts.Count >= 2, $"{trace}");
        Assert.All(attempts[..^1], failed => Assert.Equal(ActivityStatusCode.Error, failed.Status));
        Assert.All(attempts[..^1], failed => Assert.Contains(failed.Events, happened => happened.Name == "exception"));
        var consumers = attempts.Select(attempt => trace.ParentOf(attempt)!).ToList();
        Assert.Equal(attempts.Count, consumers.Distinct().Count());
        Assert.All(consumers, consumer =>
            Assert.Equal((ActivityKind.Consumer, message.SpanId), (consumer.Kind, consumer.ParentSpanId))
        );
        Assert.Equal(
            Enumerable.Range(1, attempts.Count).Select(attempt => (object)(long)attempt),
            consumers.Select(consumer => consumer["goreliable.delivery.attempt"]!)
        );
    }

    [Fact]
    public async Task A_message_that_arrives_twice_is_consumed_twice_and_sent_once()
    {
        var message = await TestEvent.PublishAsync(platform, times: 2);
        var trace = await platform.Telemetry.WaitForTraceAsync(
            message.TraceId,
            tree => tree.Spans.Count(span => span.Kind == ActivityKind.Consumer) == 2 && tree.Named("send email").Any(),
            TestContext.Current.CancellationToken
        );

        Assert.Single(trace.Named("send email"));
    }

    [Fact]
    public async Task A_dead_letter_ends_its_trace_with_an_error()
    {
        var message = await TestEvent.PublishAsync(platform, poison: true);
        var consumer = await platform.Telemetry.WaitForSpanAsync(
            span => span.TraceId == message.TraceId && span.Kind == ActivityKind.Consumer,
            TestContext.Current.CancellationToken
        );

        Assert.Equal((ActivityStatusCode.Error, message.SpanId), (consumer.Status, consumer.ParentSpanId));
        Assert.Contains(consumer.Events, happened => happened.Name == "exception");
    }

    [Fact]
    public async Task A_dead_letter_keeps_the_id_of_its_trace()
    {
        var message = await TestEvent.PublishAsync(platform, poison: true);

        await using var database = await platform.DatabaseAsync("notifications-db");
        await using var command = database.CreateCommand("SELECT trace_id FROM dead_letters WHERE message_id = $1");
        command.Parameters.AddWithValue(message.Id.ToString());
        Assert.Equal(
            message.TraceId,
            await Poll.UntilAsync(
                "the dead letter",
                () => command.ExecuteScalarAsync(TestContext.Current.CancellationToken),
                found => found is not null
            )
        );
    }
}
