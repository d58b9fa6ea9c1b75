using System.Diagnostics;
using System.Net;
using GoReliable.Notifications.Retrying;
using GoReliable.Tests.Platform;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Chaos;

/// <summary>Trouble that is switched on and off on the running platform, in the file that its services watch.</summary>
[Collection(RestartablePlatform.Name)]
public sealed class ChaosPlatformTests(RestartablePlatform restartable) : IAsyncDisposable
{
    // Before the second, the third, … attempt, where no setting says otherwise.
    private static readonly IReadOnlyList<TimeSpan> Delays = new RetryOptions().Effective;

    private readonly GoReliablePlatform platform = restartable.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // What failed waits in a retry queue, and would be delivered in the middle of another test.
    public async ValueTask DisposeAsync()
    {
        await restartable.Settings.WriteAsync("{}");
        await restartable.CalmAsync();
    }

    [Fact]
    public async Task A_notification_is_delivered_once_its_channel_works_again()
    {
        var (http, database) = (TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(0.5));
        (string, string)[] all = [("notifications", "channel"), ("gateway", "http"), ("orders", "database")];
        using var customer = platform.Client("chaos-channel");
        await TurnAsync(
            $$"""
            {
              "Chaos": {
                "Channel": { "FaultRate": 1 },
                "Http": { "Latency": "{{http}}" },
                "Database": { "Latency": "{{database}}" }
              }
            }
            """,
            "chaos.enabled",
            all
        );
        var (order, slow) = await CreateAsync(customer);
        Assert.InRange(slow, http + database, TimeSpan.FromSeconds(30));
        // The machine may have been slow by itself; the spans say who was struck.
        var create = await platform.Telemetry.WaitForSpanAsync(
            span => span.Name == "create order" && $"{order}".Equals(span["goreliable.order.id"]),
            Cancel
        );
        Assert.Equal(true, create["goreliable.chaos"]);
        await platform.Telemetry.WaitForSpanAsync(
            span =>
                span.TraceId == create.TraceId && span.Service == "gateway" && true.Equals(span["goreliable.chaos"]),
            Cancel
        );
        await platform.Telemetry.WaitForLogAsync(
            log =>
                log.EventName == "notification.retried"
                && 2L.Equals(log["Attempt"])
                && log.Body.Contains($"{order}", StringComparison.Ordinal),
            Cancel
        );
        await platform.Telemetry.WaitForSpanAsync(
            span => span.Name == "send email" && true.Equals(span["goreliable.chaos"]),
            Cancel
        );

        await TurnAsync("{}", "chaos.disabled", all);

        await Poll.UntilAsync(
            "an order that nothing delays",
            async () => (await CreateAsync(customer)).Took,
            took => took < http
        );
        // Perhaps after the longest wait.
        var notifications = await Poll.UntilAsync(
            "the notification",
            () => customer.NotificationsAsync(order),
            found => found.Length > 0,
            TimeSpan.FromMinutes(2)
        );
        var attempts = Assert.Single(notifications).Attempts;
        Assert.InRange(attempts, 3, Delays.Count + 1);

        // Before each attempt but the first there was its delay, of which jitter takes a fifth at most.
        var trace = await platform.Telemetry.WaitForTraceAsync(
            create.TraceId,
            tree => Consumers(tree).Count() == attempts,
            Cancel
        );
        var starts = Consumers(trace).Select(span => span.Start).Order().ToList();
        foreach (var (i, delay) in Delays.Take(attempts - 1).Index())
            Assert.InRange(starts[i + 1] - starts[i], delay * 0.8, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_failing_database_is_a_503_with_Retry_After_and_nothing_is_lost()
    {
        (string, string)[] both = [("orders", "database"), ("notifications", "database")];
        using var customer = platform.Client("chaos-database");
        var earlier = await customer.CreateAsync();
        await TurnAsync("""{ "Chaos": { "Database": { "FaultRate": 1 } } }""", "chaos.enabled", both);

        using var refused = await customer.PostRawAsync(
            """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}"""
        );
        await refused.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
        Assert.NotNull(refused.Headers.RetryAfter);
        using var unread = await customer.GetAsync($"{OrdersClient.Orders}/{earlier}/notifications", Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, unread.StatusCode);

        await TurnAsync("{}", "chaos.disabled", both);
        foreach (var order in new[] { earlier, await customer.CreateAsync() })
            Assert.Single(await customer.WaitForNotificationsAsync(order));
        Assert.Equal(2, (await customer.PageAsync()).Items.Length);
    }

    private static async Task<(Guid Order, TimeSpan Took)> CreateAsync(HttpClient customer)
    {
        var asked = Stopwatch.GetTimestamp();
        var order = await customer.CreateAsync(contactEmail: "chaos@example.com");
        return (order, Stopwatch.GetElapsedTime(asked));
    }

    private static IEnumerable<ReceivedSpan> Consumers(SpanTree trace) =>
        trace.Spans.Where(span => span.Kind == ActivityKind.Consumer);

    /// <summary>Writes the file, and waits until the services say that they have read it.</summary>
    private async Task TurnAsync(string settings, string @event, (string Service, string Place)[] turned)
    {
        var before = DateTimeOffset.UtcNow;
        await restartable.Settings.WriteAsync(settings);
        foreach (var (service, place) in turned)
        {
            await platform.Telemetry.WaitForLogAsync(
                log =>
                    log.EventName == @event
                    && log.Service == service
                    && log.Time > before
                    && log.Body.Contains($"in {place}", StringComparison.Ordinal),
                Cancel,
                $"{@event} {place} of {service}"
            );
        }
    }
}
