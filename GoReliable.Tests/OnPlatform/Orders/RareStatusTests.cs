using System.Text.Json;
using GoReliable.Orders.Ordering;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>A customer with a long history, in which one status is rare.</summary>
[Collection(ServersOnly.Name)]
public sealed class RareStatusTests(ServersOnly shared)
{
    // In the order of their ids the three that are cancelled are the oldest: the last that a scan would find.
    private const string History = """
        INSERT INTO orders (id, customer_id, status, currency, items, total, created_at, updated_at, version)
        SELECT lpad(to_hex(n), 32, '0')::uuid, 'alice', CASE WHEN n <= 3 THEN 'cancelled' ELSE 'pending' END,
            'EUR', '[]', 1, now(), now(), 1
        FROM generate_series(1, 100000) n;
        ANALYZE orders
        """;

    private static readonly (string Status, Guid Before, int Rows)[] Pages =
    [
        ("cancelled", Guid.AllBitsSet, 3),
        ("cancelled", Guid.Parse("00000000-0000-0000-0000-000000000003"), 2),
        ("confirmed", Guid.AllBitsSet, 0),
        ("pending", Guid.AllBitsSet, 21),
    ];

    [Fact]
    public async Task A_page_of_any_status_is_read_by_an_index_in_its_order()
    {
        await using var own = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await own.ExecuteAsync(History);

        foreach (var (status, before, rows) in Pages)
        {
            var text = await own.Source.ScalarAsync<string>(
                $"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {ListOrders.SelectByStatus}",
                "alice",
                before,
                21,
                status
            );
            var plan = JsonElement.Parse(text)[0].GetProperty("Plan");
            Assert.Equal((status, rows), (status, plan.GetProperty("Actual Rows").GetInt32()));
            var pages =
                plan.GetProperty("Shared Hit Blocks").GetInt32() + plan.GetProperty("Shared Read Blocks").GetInt32();
            Assert.True(pages < 50, $"{pages} pages were read: {text}");
            Assert.DoesNotContain("\"Sort\"", text, StringComparison.Ordinal);
        }
    }
}
