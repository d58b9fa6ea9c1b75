using System.Diagnostics;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

[Collection(SharedPlatform.Name)]
public sealed class DefectTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

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
            var failed = await platform.Telemetry.WaitForLogAsync(
                log => log.EventName == "consumer.batch_failed" && log.TraceId == message.TraceId,
                TestContext.Current.CancellationToken
            );
            Assert.Equal(1L, failed["Messages"]);
            var retried = await platform.Telemetry.WaitForLogAsync(
                log => log.EventName == "notification.retried" && log.TraceId == message.TraceId,
                TestContext.Current.CancellationToken
            );
            Assert.Equal("Unexpected PostgresException.", retried["Error"]);
        }
        finally
        {
            await database.RunAsync("ALTER TABLE inbox DROP CONSTRAINT broken");
        }
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "notification.delivered" && log.TraceId == message.TraceId,
            TestContext.Current.CancellationToken
        );

        var trace = await platform.Telemetry.WaitForTraceAsync(
            message.TraceId,
            ["store notifications"],
            TestContext.Current.CancellationToken
        );
        var deliveries = trace.Spans.Where(span => span.Kind == ActivityKind.Consumer).ToList();
        Assert.True(deliveries.Count >= 2, $"{trace}");
        Assert.All(deliveries, delivery => Assert.Equal(message.SpanId, delivery.ParentSpanId));
        Assert.All(deliveries[..^1], failure => Assert.Equal(ActivityStatusCode.Error, failure.Status));
        Assert.All(deliveries[..^1], failure =>
            Assert.Contains(failure.Events, happened => happened.Name == "exception")
        );
        Assert.Equal(ActivityStatusCode.Unset, deliveries[^1].Status);
        Assert.Same(deliveries[^1], trace.ParentOf(trace.Only("store notifications")));
    }
}
