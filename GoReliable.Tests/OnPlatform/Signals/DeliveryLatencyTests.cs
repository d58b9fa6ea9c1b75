using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>When a notification counts as delivered.</summary>
[Collection(SharedPlatform.Name)]
public sealed class DeliveryLatencyTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task An_in_app_notification_is_delivered_when_it_is_stored()
    {
        await platform.UntilQuietAsync();
        var before = await SumAsync();
        await using var database = await platform.DatabaseAsync("notifications-db");
        using var customer = platform.Client("latency");
        Guid order;
        await using (await TableLock.TakeAsync(database, "notifications IN SHARE MODE"))
        {
            order = await customer.CreateAsync();
            await Poll.UntilAsync(
                "a notification that has waited for a second to be stored",
                () =>
                    database.ScalarAsync<TimeSpan>(
                        "SELECT coalesce(max(clock_timestamp() - query_start), interval '0') FROM pg_stat_activity "
                            + "WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    ),
                waited => waited >= TimeSpan.FromSeconds(1),
                TimeSpan.FromSeconds(20)
            );
        }

        await customer.WaitForNotificationsAsync(order, 1);
        await Poll.UntilAsync(
            "a delivery that took more than a second",
            SumAsync,
            sum => sum - before > 1,
            TimeSpan.FromSeconds(10)
        );
    }

    private async Task<double> SumAsync() =>
        (await platform.ScrapeAsync())["notifications"]
            .Sum("goreliable_notification_worker_delivery_latency_seconds_sum");
}
