using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using GoReliable.Database;
using GoReliable.Orders.Ordering;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>Reads that come while others are at the database share the next round trip, and nothing else.</summary>
[Collection(ServersOnly.Name)]
public sealed class SharedReadsTests(OutboxDatabase database) : IClassFixture<OutboxDatabase>
{
    private static readonly TimeSpan Goal = TimeSpan.FromMilliseconds(20);

    private readonly OwnDatabase own = database.Own;
    private readonly FakeTimeProvider time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task They_share_a_statement_and_each_has_its_own_answer()
    {
        var statements = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = heard => heard.Name == "Npgsql",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = statements.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        using var request = new Activity("read") { ActivityTraceFlags = ActivityTraceFlags.Recorded }.Start();
        // As in the service: statements are prepared.
        var builder = new NpgsqlDataSourceBuilder(own.ConnectionString);
        DatabaseDefaults.Configure(builder, "orders");
        await using var source = builder.Build();
        var reads = new StatementBatcher(source, Goal, time);
        var (mine, another, unreadable) = (await StoreAsync("me"), await StoreAsync("me"), await StoreAsync("me"));
        var others = await StoreAsync("another customer");
        await own.ExecuteAsync($$"""UPDATE orders SET items = '[{"unknown": 1}]' WHERE id = '{{unreadable}}'""");
        await using var hold = await HoldAsync();
        var first = ReadAsync(reads, mine);
        await Poll.UntilAsync("a read that waits for the table", () => CountStuckAsync("SELECT"), count => count == 1);
        var waiting = new[] { mine, others, another, unreadable, Guid.NewGuid(), mine }
            .Select(id => ReadAsync(reads, id))
            .ToArray();

        await hold.CommitAsync();
        Assert.Equal(mine, (await first)?.Id);
        Assert.Equal(mine, (await waiting[0])?.Id);
        Assert.Null(await waiting[1]);
        Assert.Equal(another, (await waiting[2])?.Id);
        await Assert.ThrowsAsync<JsonException>(() => waiting[3]);
        Assert.Null(await waiting[4]);
        Assert.Equal(mine, (await waiting[5])?.Id);
        await Poll.UntilAsync(
            "the span of six reads",
            () => Task.FromResult(statements.Where(span => span.TraceId == request.TraceId).ToList()),
            spans => spans.Exists(span => span.GetTagItem("db.operation.batch.size") is 6)
        );
    }

    [Fact]
    public async Task A_round_trip_that_takes_too_long_does_not_hold_up_the_next_ones()
    {
        var statements = new StatementBatcher(own.Source, Goal, time);
        await using var hold = await OpenTransaction.BeginAsync(own.Source, "LOCK TABLE orders IN EXCLUSIVE MODE");
        var stuck = statements.ExecuteAsync(NewOrder("me", out _), Cancel);
        await Poll.UntilAsync(
            "an insert that waits for the table",
            () => CountStuckAsync("INSERT"),
            count => count == 1
        );

        time.Advance(Goal - TimeSpan.FromMilliseconds(1));
        var read = ReadAsync(statements, Guid.NewGuid());
        // Long enough for the read, if it did not wait.
        for (var i = 0; i < 10; i++)
            await own.ScalarAsync<int>("SELECT 1");
        Assert.False(read.IsCompleted);

        await Poll.UntilAsync("a second round trip", AdvanceAsync, isRead => isRead);
        Assert.Null(await read);
        Assert.False(stuck.IsCompleted);
        await hold.CommitAsync();
        Assert.True((await stuck).IsStored);

        // More than once: PostgreSQL may have had the insert before its time was taken.
        Task<bool> AdvanceAsync()
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            return Task.FromResult(read.IsCompleted);
        }
    }

    private static Task<Order?> ReadAsync(StatementBatcher reads, Guid id) =>
        reads.ExecuteAsync(new SelectOrder(id, "me"), Cancel);

    private async Task<Guid> StoreAsync(string customer)
    {
        await new StatementBatcher(own.Source, Goal, time).ExecuteAsync(NewOrder(customer, out var id), Cancel);
        return id;
    }

    private static InsertOrder NewOrder(string customer, out Guid id)
    {
        var now = Order.Now(TimeProvider.System);
        id = Guid.CreateVersion7();
        var order = new Order(id, OrderStatus.Pending, "EUR", [], Total: 0m, ContactEmail: null, now, now, Version: 1);
        return new InsertOrder(order, customer, request: null);
    }

    private Task<OpenTransaction> HoldAsync() =>
        OpenTransaction.BeginAsync(own.Source, "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");

    private Task<long> CountStuckAsync(string verb) =>
        own.ScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_activity "
                + $"WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '-- {verb} order%'"
        );
}
