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
    public async Task A_gauge_that_cannot_be_sampled_is_gone_and_comes_back()
    {
        const string Pending = "goreliable_order_service_outbox_pending_messages";
        await using var database = await platform.DatabaseAsync("orders-db");
        await using var connection = await database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var @lock = new Npgsql.NpgsqlCommand("LOCK TABLE outbox", connection, transaction))
            await @lock.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        await Poll.UntilAsync(
            "no gauge of the outbox",
            async () => (await platform.ScrapeAsync())["orders"].Find(Pending).Count(),
            found => found == 0
        );
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        await Poll.UntilAsync(
            "the gauge of the outbox",
            async () => (await platform.ScrapeAsync())["orders"].Find(Pending).Count(),
            found => found == 1
        );
    }

    [Fact]
    public async Task A_scrape_queries_no_database()
    {
        // What is still on its way asks one.
        await platform.UntilQuietAsync();
        // Each service's own pool: the relay has one for itself, and polls.
        (string Service, string Pool)[] pools = [("orders", "orders-db"), ("notifications", "notifications-db")];
        var scrapes = new List<Dictionary<string, Exposition>>();
        await Poll.UntilAsync(
            "20 scrapes more",
            async () =>
            {
                var scrape = await platform.ScrapeAsync();
                // The same text is the answer to an earlier scrape, which is kept for a moment.
                if (scrapes.Count == 0 || pools.All(of => scrapes[^1][of.Service].Text != scrape[of.Service].Text))
                    scrapes.Add(scrape);
                return scrapes.Count;
            },
            count => count == 21
        );

        foreach (var (service, pool) in pools)
        {
            var statements = scrapes
                .Select(scrape =>
                    scrape[service]
                        .Sum("db_client_operation_duration_seconds_count", ("db_client_connection_pool_name", pool))
                )
                .ToList();
            // What a service asks by itself, every few seconds, such as its sampler.
            Assert.InRange(statements[^1] - statements[0], 1, 15);
        }
    }
}
