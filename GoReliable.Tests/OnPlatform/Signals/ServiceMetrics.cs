using GoReliable.Messaging;
using GoReliable.Notifications.Retrying;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>What the three services expose at <c>/metrics</c>, once nothing is left that they would count.</summary>
internal static class ServiceMetrics
{
    public static readonly string[] Services = ["gateway", "orders", "notifications"];

    public static async Task<Dictionary<string, Exposition>> ScrapeAsync(
        this GoReliablePlatform platform,
        bool openMetrics = true
    )
    {
        var scrapes = new Dictionary<string, Exposition>();
        foreach (var service in Services)
        {
            using var management = platform.Management(service);
            scrapes[service] = await Exposition.ScrapeAsync(management, openMetrics);
        }
        return scrapes;
    }

    /// <summary>Waits for what earlier tests left on its way.</summary>
    public static async Task UntilQuietAsync(this GoReliablePlatform platform)
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        await using var database = await platform.DatabaseAsync("orders-db");
        string[] queues = [OrderTopology.Queue, .. new RetryOptions().Effective.Select(OrderTopology.RetryQueue)];
        await Poll.UntilAsync(
            "empty queues and outbox",
            async () =>
            {
                var left = await database.ScalarAsync<long>("SELECT count(*) FROM outbox");
                foreach (var queue in queues)
                    left += await channel.MessageCountAsync(queue, TestContext.Current.CancellationToken);
                var notifications = (await platform.ScrapeAsync())["notifications"];
                return left + notifications.Sum("goreliable_notification_worker_messages_in_flight");
            },
            left => left == 0
        );
    }
}
