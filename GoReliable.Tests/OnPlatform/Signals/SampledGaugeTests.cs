using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>Gauges that need a query are sampled every few seconds, and not by a scrape.</summary>
[Collection(SharedPlatform.Name)]
public sealed class SampledGaugeTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task Queues_are_sampled_by_their_role()
    {
        var queues = (await platform.ScrapeAsync())["notifications"]
            .Find("goreliable_notification_worker_queue_messages")
            .Select(sample => sample.Labels["queue"]);
        Assert.Equal(["dead", "main", "retry"], queues.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_scrape_queries_no_database()
    {
        // What is still on its way asks one.
        await platform.UntilQuietAsync();
        // Each service's own pool: the relay has one for itself, and polls.
        await Task.WhenAll(
            AssertScrapesAskNothingAsync("orders", "orders-db"),
            AssertScrapesAskNothingAsync("notifications", "notifications-db")
        );
    }

    private async Task AssertScrapesAskNothingAsync(string service, string pool)
    {
        using var management = platform.Management(service);
        var scrapes = new List<Exposition>();
        await Poll.UntilAsync(
            "20 scrapes more",
            async () =>
            {
                var scrape = await Exposition.ScrapeAsync(management);
                // The same text is the answer to an earlier scrape, which is kept for a moment.
                if (scrapes.Count == 0 || scrapes[^1].Text != scrape.Text)
                    scrapes.Add(scrape);
                return scrapes.Count;
            },
            count => count == 21,
            interval: TimeSpan.FromMilliseconds(300)
        );

        double Statements(Exposition scrape) =>
            scrape.Sum("db_client_operation_duration_seconds_count", ("db_client_connection_pool_name", pool));
        // What a service asks by itself, every few seconds, such as its sampler.
        Assert.InRange(Statements(scrapes[^1]) - Statements(scrapes[0]), 1, 15);
    }
}
