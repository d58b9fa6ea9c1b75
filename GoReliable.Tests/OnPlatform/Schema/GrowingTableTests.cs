using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Orders.Ordering;
using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>No table that grows is scanned whole.</summary>
[Collection(ServersOnly.Name)]
public sealed class GrowingTableTests(GrowingTables tables) : IClassFixture<GrowingTables>
{
    private const string TwoIds = "ARRAY[gen_random_uuid(), gen_random_uuid()]";

    [Fact]
    public async Task Old_rows_of_the_worker_are_found_by_an_index()
    {
        foreach (
            var (table, sql) in new[]
            {
                ("inbox", Inbox.Expire),
                ("notifications", NotificationOptions.Expire),
                ("dead_letters", DeadLetterOptions.Expire),
            }
        )
            AssertByIndex(await tables.Notifications.PlanAsync(sql, "now()"), $"Index Scan using {table}_by_age");
    }

    [Fact]
    public async Task Old_rows_of_Orders_are_found_by_an_index()
    {
        AssertByIndex(
            await tables.Orders.PlanAsync(IdempotencyOptions.Expire, "now()"),
            "Index Scan using idempotency_keys_by_age"
        );
        AssertByIndex(await tables.Orders.PlanAsync(OrderOptions.Expire, "now()"), "Index Scan using orders_pkey");
    }

    [Fact]
    public async Task Events_are_claimed_and_released_by_an_index()
    {
        AssertByIndex(await tables.Notifications.PlanAsync(Inbox.Release, TwoIds), "inbox_pkey");
        AssertByIndex(
            await tables.Notifications.PlanAsync(
                Inbox.Claim.Replace("$1", "$1::uuid[]", StringComparison.Ordinal),
                TwoIds
            ),
            "Function Scan on unnest"
        );
    }

    [Fact]
    public async Task Leases_are_renewed_by_an_index() =>
        AssertByIndex(
            await tables.Notifications.PlanAsync(Leases.Renew, $"{TwoIds}, ARRAY[gen_random_uuid()]"),
            "leases_pkey"
        );

    [Fact]
    public async Task The_outbox_is_read_and_emptied_by_an_index()
    {
        var orders = tables.Orders;
        AssertByIndex(await orders.PlanAsync(OutboxSampler.Select, "100001"), "Index Scan using outbox_pkey");
        AssertByIndex(await orders.PlanAsync(OutboxReader.Select, "500, 0"), "Index Scan using outbox_pkey");
        AssertByIndex(await orders.PlanAsync(OutboxReader.Delete, "NULL, ARRAY[1::bigint, 2]"), "outbox_pkey");
    }

    private static void AssertByIndex(string plan, string scan)
    {
        Assert.Contains(scan, plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
    }
}
