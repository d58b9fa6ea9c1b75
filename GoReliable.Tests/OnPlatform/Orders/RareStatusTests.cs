using System.Text.Json;
using GoReliable.Orders.Ordering;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>A customer with a long history, in which one status is rare.</summary>
[Collection(ServersOnly.Name)]
public sealed class RareStatusTests(ServersOnly shared)
{
    private const int Pending = 100_000;

    // In the order of their ids the three that are cancelled are the oldest: the last that a scan would find.
    private const string History = """
        INSERT INTO orders (id, customer_id, status, currency, items, total, created_at, updated_at, version)
        SELECT lpad(to_hex(n), 32, '0')::uuid, 'alice', CASE WHEN n <= 3 THEN 'cancelled' ELSE 'pending' END,
            'EUR', '[]', 1, now(), now(), 1
        FROM generate_series(1, $1) n
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly (string Status, string Before, int Rows)[] Pages =
    [
        ("cancelled", "ffffffff-ffff-ffff-ffff-ffffffffffff", 3),
        ("cancelled", "00000000-0000-0000-0000-000000000003", 2),
        ("confirmed", "ffffffff-ffff-ffff-ffff-ffffffffffff", 0),
        ("pending", "ffffffff-ffff-ffff-ffff-ffffffffffff", 21),
    ];

    [Fact]
    public async Task A_page_of_any_status_is_read_by_an_index_in_its_order()
    {
        await using var own = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await using (var history = own.Source.CreateCommand(History))
        {
            history.Parameters.AddWithValue(Pending);
            await history.ExecuteNonQueryAsync(Cancel);
        }
        await own.Source.RunAsync("ANALYZE orders");

        foreach (var (status, before, rows) in Pages)
            await AssertReadByIndexAsync(own, status, before, rows);
    }

    private static async Task AssertReadByIndexAsync(OwnDatabase own, string status, string before, int rows)
    {
        await using var explain = own.Source.CreateCommand(
            $"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {ListOrders.SelectByStatus}"
        );
        explain.Parameters.Add(new NpgsqlParameter<string> { TypedValue = "alice" });
        explain.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.Parse(before) });
        explain.Parameters.Add(new NpgsqlParameter<int> { TypedValue = 21 });
        explain.Parameters.Add(new NpgsqlParameter<string> { TypedValue = status });
        var text = (string)(await explain.ExecuteScalarAsync(Cancel))!;

        var plan = JsonElement.Parse(text)[0].GetProperty("Plan");
        Assert.Equal((status, rows), (status, plan.GetProperty("Actual Rows").GetInt32()));
        var pages =
            plan.GetProperty("Shared Hit Blocks").GetInt32() + plan.GetProperty("Shared Read Blocks").GetInt32();
        Assert.True(pages < 50, $"{pages} pages were read: {text}");
        Assert.DoesNotContain("\"Sort\"", text, StringComparison.Ordinal);
    }
}
