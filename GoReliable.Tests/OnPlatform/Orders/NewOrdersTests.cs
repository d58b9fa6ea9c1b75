using System.Text.Json;
using GoReliable.Orders.Ordering;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>Orders that come while others are being stored share a round trip and a commit, and nothing else.</summary>
[Collection(ServersOnly.Name)]
public sealed partial class NewOrdersTests(OutboxDatabase database) : IClassFixture<OutboxDatabase>, IAsyncLifetime
{
    private static readonly TimeSpan Goal = TimeSpan.FromMilliseconds(250);
    private static readonly OrderItem[] Items = [new("ESP-1", 1, 12.50m)];

    private readonly OwnDatabase own = database.Own;
    private readonly string customer = $"customer-{Guid.NewGuid():N}";

    // A clock that stands still: no commit is slow, and batches stay large.
    private readonly StatementBatcher orders = new(database.Own.Source, Goal, new FakeTimeProvider());

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        await own.ExecuteAsync("TRUNCATE orders, idempotency_keys, outbox; DROP TRIGGER IF EXISTS slow ON orders");

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Orders_that_wait_share_one_commit_with_keys_and_without()
    {
        await using var hold = await HoldAsync();
        var first = await OccupyAsync(orders);
        var waiting = Enumerable.Range(0, 20).Select(i => StoreAsync(key: i % 2 == 0 ? null : $"key-{i}")).ToArray();

        await hold.CommitAsync();
        Assert.All(await Task.WhenAll([first, .. waiting]), outcome => Assert.True(outcome.IsStored));
        Assert.Equal(
            21,
            await own.ScalarAsync<long>("SELECT count(*) FROM orders JOIN outbox ON order_id = orders.id")
        );
        Assert.Equal(10, await own.ScalarAsync<long>("SELECT count(*) FROM idempotency_keys"));
        Assert.Equal(2, await own.ScalarAsync<long>("SELECT count(DISTINCT xmin::text) FROM orders"));
    }

    [Fact]
    public async Task A_key_that_comes_twice_at_once_makes_one_order()
    {
        await using var hold = await HoldAsync();
        var first = await OccupyAsync(orders);
        var (one, two) = (StoreAsync(key: "same"), StoreAsync(key: "same"));

        await hold.CommitAsync();
        await first;
        Assert.True((await one).IsStored);
        var repeated = await two;
        Assert.True(repeated is { IsAlone: true, IsStored: false, FirstHash: not null, FirstOrder: not null });
        Assert.Equal(2, await own.ScalarAsync<long>("SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task Who_leaves_while_waiting_has_no_order_and_the_others_have_theirs()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        await using var hold = await HoldAsync();
        var first = await OccupyAsync(orders, patience);
        var left = StoreAsync(client: patience);
        var stays = StoreAsync();

        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        await hold.CommitAsync();
        // The first had been sent by then.
        Assert.All(await Task.WhenAll([first, stays]), outcome => Assert.True(outcome.IsStored));
        Assert.Equal(2, await own.ScalarAsync<long>("SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task An_order_that_the_database_refuses_does_not_take_others_with_it()
    {
        await own.ExecuteAsync("ALTER TABLE orders ADD CONSTRAINT no_xts CHECK (currency <> 'XTS')");
        await using var hold = await HoldAsync();
        var first = await OccupyAsync(orders);
        Task<InsertOutcome>[] good = [StoreAsync(), StoreAsync(key: "good")];
        var bad = StoreAsync(currency: "XTS");
        Task<InsertOutcome>[] later = [StoreAsync(), StoreAsync(key: "later")];

        await hold.CommitAsync();
        var refused = await Assert.ThrowsAsync<PostgresException>(() => bad);
        Assert.Equal("no_xts", refused.ConstraintName);
        Assert.All(await Task.WhenAll([first, .. good, .. later]), outcome => Assert.True(outcome.IsStored));
        await own.ExecuteAsync("ALTER TABLE orders DROP CONSTRAINT no_xts");
    }

    [Fact]
    public async Task An_earlier_order_that_cannot_be_read_fails_only_the_request_with_its_key()
    {
        await StoreAsync(key: "key");
        await own.ExecuteAsync("""UPDATE orders SET items = '[{"unknown": 1}]'""");
        await using var hold = await HoldAsync();
        var first = await OccupyAsync(orders);
        var (before, repeated, after) = (StoreAsync(), StoreAsync(key: "key"), StoreAsync(key: "another"));

        await hold.CommitAsync();
        await Assert.ThrowsAsync<JsonException>(() => repeated);
        Assert.All(await Task.WhenAll([first, before, after]), outcome => Assert.True(outcome.IsStored));
    }

    [Fact]
    public async Task Who_has_left_before_has_no_order()
    {
        using var patience = new CancellationTokenSource();
        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StoreAsync(client: patience));
        Assert.Equal(0, await own.ScalarAsync<long>("SELECT count(*) FROM orders"));
    }

    private Task<OpenTransaction> HoldAsync() =>
        OpenTransaction.BeginAsync(own.Source, "LOCK TABLE orders IN EXCLUSIVE MODE");

    /// <summary>An order that waits for the table, so that the next ones wait for it.</summary>
    private async Task<Task<InsertOutcome>> OccupyAsync(StatementBatcher busy, CancellationTokenSource? client = null)
    {
        var first = StoreAsync(busy, client: client);
        await Poll.UntilAsync("an insert that waits for the table", CountStuckAsync, waiting => waiting == 1);
        return first;
    }

    private Task<long> CountStuckAsync() =>
        own.ScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_activity "
                + "WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '-- INSERT order%'"
        );

    private Task<InsertOutcome> StoreAsync(
        StatementBatcher? into = null,
        string? key = null,
        string currency = "EUR",
        CancellationTokenSource? client = null
    )
    {
        var now = Order.Now(TimeProvider.System);
        var order = new Order(
            Guid.CreateVersion7(),
            OrderStatus.Pending,
            currency,
            Items,
            Total: 12.50m,
            ContactEmail: null,
            CreatedAt: now,
            UpdatedAt: now,
            Version: 1
        );
        var request = key is null ? null : new KeyedRequest(key, [1]);
        return (into ?? orders).ExecuteAsync(new InsertOrder(order, customer, request), client?.Token ?? Cancel);
    }
}
