using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Faults;

/// <summary>Compares what was promised with what happened.</summary>
internal static class Ledger
{
    private const string Created = "SELECT order_id FROM notifications WHERE customer_id = $1 AND event_type = 'order.created'";

    /// <summary>Waits until the outbox is empty and each promised order has its notification; then asserts that each has one.</summary>
    public static async Task AssertNothingLostAsync(GoReliablePlatform platform, string customer, IReadOnlyCollection<Guid> accepted)
    {
        await using var orders = await platform.DatabaseAsync("orders-db");
        await using var notifications = await platform.DatabaseAsync("notifications-db");

        await Eventually.SeeAsync("an empty outbox", () => ScalarAsync(orders, "SELECT count(*) FROM outbox"), pending => pending == 0, TimeSpan.FromMinutes(2));
        var stored = await IdsAsync(orders, "SELECT id FROM orders WHERE customer_id = $1", customer);
        var notified = await Eventually.SeeAsync(
            $"{stored.Count} notifications", () => IdsAsync(notifications, Created, customer), found => found.Count >= stored.Count, TimeSpan.FromMinutes(2));

        TestContext.Current.TestOutputHelper?.WriteLine($"answered 201: {accepted.Count}, stored: {stored.Count}, notified: {notified.Count}, notified orders: {notified.Distinct().Count()}");
        Assert.Empty(accepted.Except(stored));
        Assert.Empty(stored.Except(notified));
        Assert.Equal(notified.Distinct().Count(), notified.Count);
    }

    private static async Task<long> ScalarAsync(Npgsql.NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    private static async Task<List<Guid>> IdsAsync(Npgsql.NpgsqlDataSource database, string sql, string customer)
    {
        var ids = new List<Guid>();
        await using var command = database.CreateCommand(sql);
        command.Parameters.AddWithValue(customer);
        await using var row = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await row.ReadAsync(TestContext.Current.CancellationToken))
            ids.Add(row.GetGuid(0));
        return ids;
    }
}
