using System.Threading.Channels;
using GoReliable.Orders.Ordering;
using GoReliable.ServiceDefaults.Problems;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>Where the database is slow, stuck or away.</summary>
public sealed partial class NewOrdersTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Where_statements_are_slow_fewer_orders_share_a_commit_and_all_are_stored()
    {
        await SlowDownAsync();
        var impatient = new NpgsqlConnectionStringBuilder(own.ConnectionString) { CommandTimeout = 2 };
        await using var source = NpgsqlDataSource.Create(impatient.ConnectionString);
        var slow = new StatementBatcher(source, Goal, TimeProvider.System);

        await StoreAsync(slow);

        // Fifty in one commit would take longer than a command may, and two at a time longer than an order may wait.
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => StoreAsync(slow))), outcome =>
            Assert.True(outcome.IsStored)
        );
    }

    [Fact]
    public async Task Slow_orders_leave_connections_for_reads()
    {
        await SlowDownAsync();
        var three = new NpgsqlConnectionStringBuilder(own.ConnectionString) { MaxPoolSize = 3, Timeout = 2 };
        await using var source = NpgsqlDataSource.Create(three.ConnectionString);
        var slow = new StatementBatcher(source, Goal, TimeProvider.System);
        await StoreAsync(slow);
        await using var hold = await HoldAsync();
        var stuck = Enumerable.Range(0, 12).Select(_ => StoreAsync(slow)).ToArray();
        await Poll.UntilAsync("two inserts that wait for the table", CountStuckAsync, count => count == 2);

        Assert.Equal(1, await source.ScalarAsync<int>("SELECT 1"));

        await hold.CommitAsync();
        Assert.All(await Task.WhenAll(stuck), outcome => Assert.True(outcome.IsStored));
    }

    [Fact]
    public async Task An_order_that_waits_too_long_for_others_is_refused()
    {
        var time = new FakeTimeProvider();
        var stuck = new StatementBatcher(own.Source, Goal, time);
        await using var hold = await HoldAsync();
        var first = await OccupyAsync(stuck);
        var early = StoreAsync(stuck);
        time.Advance(TimeSpan.FromSeconds(4));
        var late = StoreAsync(stuck);

        await hold.CommitAsync();
        await Assert.ThrowsAsync<TimeoutException>(() => early);
        Assert.All(await Task.WhenAll([first, late]), outcome => Assert.True(outcome.IsStored));
        Assert.Equal(2, await own.ScalarAsync<long>("SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task When_the_database_does_not_answer_each_order_of_a_commit_is_in_doubt()
    {
        var impatient = new NpgsqlConnectionStringBuilder(own.ConnectionString) { CommandTimeout = 3 };
        await using var source = NpgsqlDataSource.Create(impatient.ConnectionString);
        var slow = new StatementBatcher(source, Goal, TimeProvider.System);
        await using var hold = await HoldAsync();
        var first = await OccupyAsync(slow);
        var waiting = Enumerable.Range(0, 3).Select(_ => StoreAsync(slow)).ToArray();
        var keyed = StoreAsync(slow, key: "key");

        foreach (var order in waiting.Prepend(first))
            await Assert.ThrowsAsync<OutcomeUnknownException>(() => order);
        // Its client may send it again.
        await Assert.ThrowsAsync<NpgsqlException>(() => keyed);
    }

    [Fact]
    public async Task Without_a_database_all_that_wait_are_refused_at_once()
    {
        var nowhere = new NpgsqlConnectionStringBuilder(own.ConnectionString) { Port = 1 };
        await using var source = NpgsqlDataSource.Create(nowhere.ConnectionString);
        var away = new StatementBatcher(source, Goal, TimeProvider.System);

        foreach (var order in Enumerable.Range(0, 20).Select(_ => StoreAsync(away)).ToArray())
            await Assert.ThrowsAsync<NpgsqlException>(() => order);
    }

    [Fact]
    public async Task Orders_wait_for_the_only_connection_that_there_is()
    {
        var opened = 0;
        var builder = new NpgsqlDataSourceBuilder(own.ConnectionString);
        builder.UsePhysicalConnectionInitializer(_ => Initialize(), _ => Task.Run(Initialize));
        await using var source = builder.Build();
        var alone = new StatementBatcher(source, Goal, TimeProvider.System);
        await using var hold = await HoldAsync();
        var first = await OccupyAsync(alone);
        var waiting = Enumerable.Range(0, 5).Select(_ => StoreAsync(alone)).ToArray();
        await Poll.UntilAsync(
            "another connection",
            () => Task.FromResult(Volatile.Read(ref opened)),
            count => count > 1
        );

        await hold.CommitAsync();
        Assert.All(await Task.WhenAll([first, .. waiting]), outcome => Assert.True(outcome.IsStored));

        void Initialize()
        {
            if (Interlocked.Increment(ref opened) > 1)
                throw new NpgsqlException("One connection must do");
        }
    }

    [Fact]
    public async Task A_connection_that_cannot_be_opened_refuses_the_orders_that_came_before()
    {
        var time = new FakeTimeProvider();
        await using var source = Opening(out var opened);
        var away = new StatementBatcher(source, Goal, time);
        var first = StoreAsync(away);
        var opening = await NextAsync(opened);
        time.Advance(Goal);
        var another = await NextAsync(opened);
        time.Advance(TimeSpan.FromMilliseconds(1));
        var second = StoreAsync(away);

        opening.SetException(new NpgsqlException("away"));
        await Assert.ThrowsAsync<NpgsqlException>(() => first.WaitAsync(Patience, Cancel));
        Assert.False(second.IsCompleted);
        another.SetException(new NpgsqlException("away"));
        (await NextAsync(opened)).SetException(new NpgsqlException("away"));
        await Assert.ThrowsAsync<NpgsqlException>(() => second.WaitAsync(Patience, Cancel));
        Assert.Equal(0, await own.ScalarAsync<long>("SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task An_order_does_not_wait_for_a_connection_that_takes_long_to_open()
    {
        var time = new FakeTimeProvider();
        await using var source = Opening(out var opened);
        var orders = new StatementBatcher(source, Goal, time);
        var order = StoreAsync(orders);
        var slow = await NextAsync(opened);

        time.Advance(Goal);
        var fast = await NextAsync(opened);
        fast.SetResult();
        Assert.True((await order.WaitAsync(Patience, Cancel)).IsStored);
        slow.SetResult();
    }

    /// <summary>A data source that opens a connection when the test says so.</summary>
    private NpgsqlDataSource Opening(out ChannelReader<TaskCompletionSource> opened)
    {
        var begun = Channel.CreateUnbounded<TaskCompletionSource>();
        opened = begun.Reader;
        var builder = new NpgsqlDataSourceBuilder(own.ConnectionString);
        builder.UsePhysicalConnectionInitializer(
            _ => throw new NotSupportedException(),
            _ =>
            {
                var opening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                begun.Writer.TryWrite(opening);
                return opening.Task;
            }
        );
        return builder.Build();
    }

    private static Task<TaskCompletionSource> NextAsync(ChannelReader<TaskCompletionSource> opened) =>
        opened.ReadAsync(Cancel).AsTask().WaitAsync(Patience, Cancel);

    private Task SlowDownAsync() =>
        own.ExecuteAsync(
            """
            CREATE OR REPLACE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql
                AS 'BEGIN PERFORM pg_sleep(0.1); RETURN new; END';
            CREATE TRIGGER slow BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION be_slow()
            """
        );
}
