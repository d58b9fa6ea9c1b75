using GoReliable.Messaging;
using GoReliable.Notifications.Retrying;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>What the three services expose at <c>/metrics</c>, once nothing is left that they would count.</summary>
internal static class ServiceMetrics
{
    public static readonly string[] Services = ["gateway", "orders", "notifications"];

    public static async Task<Dictionary<string, Exposition>> ScrapeAsync(this GoReliablePlatform platform)
    {
        var scrapes = new Dictionary<string, Exposition>();
        foreach (var service in Services)
        {
            using var management = platform.Management(service);
            scrapes[service] = await Exposition.ScrapeAsync(management);
        }
        return scrapes;
    }

    /// <summary>Waits for what earlier tests left on its way.</summary>
    public static Task UntilQuietAsync(this GoReliablePlatform platform) =>
        Poll.UntilAsync("empty queues and outbox", () => QueuedAsync(platform), queued => queued == 0);

    private static async Task<long> QueuedAsync(GoReliablePlatform platform)
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        await using var database = await platform.DatabaseAsync("orders-db");
        var queued = await database.ScalarAsync<long>("SELECT count(*) FROM outbox");
        foreach (var queue in new RetryOptions().Effective.Select(OrderTopology.RetryQueue).Append(OrderTopology.Queue))
            queued += await channel.MessageCountAsync(queue, TestContext.Current.CancellationToken);
        var notifications = (await platform.ScrapeAsync())["notifications"];
        return queued + (long)notifications.Sum("goreliable_notification_worker_messages_in_flight");
    }
}
