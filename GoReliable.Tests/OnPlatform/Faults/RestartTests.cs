using System.Diagnostics;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Things that stop and come back, or stay away for a while. Each test leaves the platform healthy.</summary>
[Collection(FaultyPlatformTests.Name)]
public sealed class RestartTests(FaultyPlatform faulty)
{
    private readonly GoReliablePlatform platform = faulty.Platform;

    [Fact]
    public Task An_order_whose_process_was_killed_is_published_later_in_the_same_trace() =>
        faulty.RunAsync(async () =>
        {
            using var alice = platform.Client("killed-before-publish");
            alice.DefaultRequestHeaders.Add(
                "traceparent",
                $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-01"
            ); // sampled
            faulty.OrdersToBroker.Cut();
            faulty.NotificationsToBroker.Cut();
            var response = await alice.PostRawAsync(
                """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}"""
            );
            var traceId = response.Headers.GetValues("X-Trace-Id").Single();
            // Exported before its process dies; what came after the commit did not happen yet.
            var create = await platform.Telemetry.WaitForSpanAsync(
                span => span.TraceId == traceId && span.Name == "create order",
                TestContext.Current.CancellationToken
            );
            await platform.KillAsync("orders");
            // Nobody knows the lengths of queues now, so no gauge says any.
            await Poll.UntilAsync("no gauge of the queues", QueueGaugesAsync, gauges => gauges == 0);
            faulty.NotificationsToBroker.Resume();
            await Poll.UntilAsync("the gauges of the queues", QueueGaugesAsync, gauges => gauges == 3);
            faulty.OrdersToBroker.Resume();
            await platform.StartAsync("orders");
            await faulty.UntilReadyAsync("orders");

            var trace = await platform.Telemetry.WaitForTraceAsync(
                traceId,
                ["store notifications"],
                TestContext.Current.CancellationToken
            );
            // One that succeeded; the process may have tried on the dying connection before it was killed.
            var publish = trace.Only(span =>
                span.Kind == ActivityKind.Producer && span.Status != ActivityStatusCode.Error
            );
            var process = trace.Only(span => span.Kind == ActivityKind.Consumer);
            Assert.Equal(create.SpanId, publish.ParentSpanId);
            Assert.Equal(publish.SpanId, process.ParentSpanId);
            return true;
        });

    private async Task<int> QueueGaugesAsync()
    {
        using var management = platform.Management("notifications");
        return (await Exposition.ScrapeAsync(management)).Find("goreliable_notification_worker_queue_messages").Count();
    }

    [Fact]
    public Task Services_recover_by_themselves_when_the_database_was_away() =>
        faulty.SurviveAsync(Fault.DatabasesAway, "database-away");
}
