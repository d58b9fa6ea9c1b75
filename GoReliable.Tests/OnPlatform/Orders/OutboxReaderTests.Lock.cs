using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>One relay at a time is the active one, and only where it can delete what it published.</summary>
public sealed partial class OutboxReaderTests
{
    [Fact]
    public async Task Nothing_is_read_without_the_lock()
    {
        await database.ExecuteAsync($"{Rows} FROM generate_series(1, 3)");
        await using var passive = await OpenAsync(source);

        Assert.Equal(3, (await reader.TryBeginAsync())!.Count);
        Assert.Null(await passive.TryBeginAsync());
        var plan = await ExplainAsync("SET goreliable.relay = 'false'", $"EXPLAIN (ANALYZE) {Literal(after: 0)}");
        Assert.Contains(plan, line => line.Contains("outbox_pkey", StringComparison.Ordinal));
        Assert.All(plan.Where(line => line.Contains("Scan", StringComparison.Ordinal)), line =>
            Assert.EndsWith("(never executed)", line, StringComparison.Ordinal)
        );

        await reader.EndAsync(published: null);
        Assert.Equal(3, (await passive.TryBeginAsync())!.Count);
    }

    [Fact]
    public async Task Nothing_is_read_from_a_server_that_is_read_only()
    {
        await database.ExecuteAsync($"{Rows} FROM generate_series(1, 3)");
        await using var readOnly = OutboxDataSource.Create(
            $"{database.ConnectionString};Options=-c default_transaction_read_only=on"
        );
        await using var refused = await OpenAsync(readOnly);

        await Assert.ThrowsAsync<InvalidOperationException>(() => refused.TryBeginAsync());
        Assert.Equal(3, (await reader.TryBeginAsync())!.Count);
    }

    [Fact]
    public async Task Two_outboxes_in_one_database_have_an_active_relay_each()
    {
        await database.ExecuteAsync(
            "CREATE SCHEMA shop; CREATE TABLE shop.outbox (LIKE public.outbox INCLUDING ALL); "
                + "CREATE TABLE shop.outbox_set_aside (LIKE public.outbox_set_aside INCLUDING ALL)"
        );
        await using var ofShop = OutboxDataSource.Create($"{database.ConnectionString};Options=-c search_path=shop");
        await using var second = await OpenAsync(ofShop);
        await using var third = await OpenAsync(ofShop);

        Assert.NotNull(await reader.TryBeginAsync());
        Assert.NotNull(await second.TryBeginAsync());
        Assert.Null(await third.TryBeginAsync());
        await second.EndAsync(published: null);
        Assert.NotNull(await third.TryBeginAsync());
    }

    [Fact]
    public async Task A_relay_that_waits_for_long_keeps_its_lock()
    {
        // Just above the pause between two signs of life.
        await using var impatient = OutboxDataSource.Create(
            $"{database.ConnectionString};Options=-c idle_session_timeout=12s;Application Name=waiting"
        );
        await using var active = await OpenAsync(impatient);
        Assert.NotNull(await active.TryBeginAsync());

        // As while the broker blocks publishing.
        await Poll.UntilAsync(
            "a session that has lived longer than an idle one may",
            () =>
                database.ScalarAsync<TimeSpan>(
                    "SELECT coalesce(min(now() - backend_start), interval '0 s') FROM pg_stat_activity "
                        + "WHERE datname = current_database() AND application_name = 'waiting'"
                ),
            age => age > TimeSpan.FromSeconds(14),
            TimeSpan.FromSeconds(30)
        );

        Assert.Null(await reader.TryBeginAsync());
    }
}
