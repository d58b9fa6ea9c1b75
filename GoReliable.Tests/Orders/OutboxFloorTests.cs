using System.Diagnostics.Metrics;
using GoReliable.Orders;
using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace GoReliable.Tests.Orders;

/// <summary>The relay reads from where it was, past what it deleted, and misses nothing.</summary>
[Collection(SharedPlatform.Name)]
public sealed class OutboxFloorTests(SharedPlatform shared)
{
    private const string Rows = "INSERT INTO outbox (event_id, order_id, type, body, created_at) SELECT gen_random_uuid(), gen_random_uuid(), 'order.created', '', now()";

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly FakeTimeProvider time = new();

    [Fact]
    public void Ids_are_settled_when_every_transaction_has_ended_that_may_have_taken_one()
    {
        var floor = new OutboxFloor(time);
        Sample(floor, lastId: 100, oldest: 7, next: 10);
        Sample(floor, lastId: 200, oldest: 7, next: 12);
        Assert.Equal(0, floor.Settled);

        // What was running at the second look may have taken an id up to 100.
        Sample(floor, lastId: 300, oldest: 11, next: 14);
        Assert.Equal(0, floor.Settled);
        Sample(floor, lastId: 400, oldest: 12, next: 14);
        Assert.Equal(100, floor.Settled);
    }

    [Fact]
    public void The_floor_is_where_all_was_sent_and_settled_and_a_new_connection_knows_of_none()
    {
        var floor = new OutboxFloor(time);
        floor.Sent(upTo: 50, settledWhenRead: 40);
        Assert.Equal(40, floor.Value);
        floor.Sent(upTo: 30, settledWhenRead: 60);
        Assert.Equal(40, floor.Value);
        floor.Sent(long.MaxValue, settledWhenRead: 60);
        Assert.Equal(60, floor.Value);

        floor.Reset();
        Assert.Equal(0, floor.Value);
    }

    [Fact]
    public async Task A_row_that_is_committed_late_is_read_and_before_later_ones()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        var floor = new OutboxFloor(time);
        await using var source = OutboxSession.CreateDataSource(database.ConnectionString);
        await using var session = await OpenAsync(source, floor);

        await using var late = await database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await late.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await InsertAsync(new NpgsqlCommand(Rows, late, transaction));
        for (var i = 0; i < 5; i++)
        {
            await InsertAsync(database.Source.CreateCommand(Rows));
            Assert.Equal([i + 2L], await DrainAsync(session));
            time.Advance(Second);
        }

        await transaction.CommitAsync(TestContext.Current.CancellationToken);
        await InsertAsync(database.Source.CreateCommand(Rows));
        Assert.Equal([1L, 7L], await DrainAsync(session));
    }

    [Fact]
    public async Task What_was_deleted_is_not_walked_over_again_though_no_vacuum_may_remove_it()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        // A backup, say: nothing that it could still see is removed.
        await using var backup = await database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await backup.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, TestContext.Current.CancellationToken);
        await using var look = new NpgsqlCommand("SELECT count(*) FROM outbox", backup, transaction);
        await look.ExecuteScalarAsync(TestContext.Current.CancellationToken);

        var floor = new OutboxFloor(time);
        await using var source = OutboxSession.CreateDataSource(database.ConnectionString);
        await using var session = await OpenAsync(source, floor);
        await database.ExecuteAsync($"{Rows} FROM generate_series(1, 5000)");
        for (var i = 0; i < 4; i++)
        {
            await session.TryBeginAsync();
            await session.EndAsync([], all: false);
            time.Advance(Second);
        }

        Assert.Equal(5000, (await DrainAsync(session)).Count);
        Assert.Equal(5000, floor.Value);
        await using var fromStart = source.CreateCommand("EXPLAIN (ANALYZE, BUFFERS, FORMAT TEXT) SELECT id FROM outbox WHERE id > 0 ORDER BY id LIMIT 500");
        await using var fromFloor = source.CreateCommand($"EXPLAIN (ANALYZE, BUFFERS, FORMAT TEXT) SELECT id FROM outbox WHERE id > {floor.Value} ORDER BY id LIMIT 500");
        Assert.InRange(await PagesAsync(fromFloor), 1, 10);
        Assert.InRange(await PagesAsync(fromStart), 50, 100_000);
    }

    [Fact]
    public async Task A_look_from_the_very_start_that_took_too_long_has_more_time_the_next_time()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await database.ExecuteAsync($"{Rows} FROM generate_series(1, 3)");
        await using var source = OutboxSession.CreateDataSource(database.ConnectionString);
        var floor = new OutboxFloor(time);
        await using var blocker = await database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await blocker.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var block = new NpgsqlCommand("LOCK TABLE outbox", blocker, transaction);
        await block.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        // In place of millions of rows that a backup keeps.
        await using (var first = await OpenAsync(source, floor))
            await Assert.ThrowsAsync<NpgsqlException>(first.TryBeginAsync);
        await using var session = await OpenAsync(source, floor);
        var looking = session.TryBeginAsync();
        await Eventually.SeeAsync(
            "a look that has lasted for 6 seconds",
            () => database.ScalarAsync<TimeSpan>("SELECT coalesce(max(now() - query_start), interval '0') FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"),
            waiting => waiting > TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(20));
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);

        Assert.Equal([1L, 2L, 3L], (await looking)!.Select(message => message.Id));
    }

    [Fact]
    public async Task The_relay_never_reads_the_whole_table_however_its_statements_were_planned()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await using var source = OutboxSession.CreateDataSource(database.ConnectionString);
        await using var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        foreach (var statement in new[] { OutboxSession.Select, OutboxSession.Delete })
        {
            await using var plan = new NpgsqlBatch(connection)
            {
                BatchCommands =
                {
                    new("DEALLOCATE ALL"), new("SET plan_cache_mode = force_generic_plan"), new($"PREPARE statement AS {statement}"),
                    new($"EXPLAIN EXECUTE statement({(statement == OutboxSession.Select ? "500, 0" : "'{1,2}'")})"),
                },
            };
            await using var row = await plan.ExecuteReaderAsync(TestContext.Current.CancellationToken);
            var lines = new List<string>();
            while (await row.ReadAsync(TestContext.Current.CancellationToken))
                lines.Add(row.GetString(0));
            Assert.Contains(lines, line => line.Contains("outbox_pkey", StringComparison.Ordinal));
            Assert.DoesNotContain(lines, line => line.Contains("Seq Scan", StringComparison.Ordinal));
        }
    }

    private void Sample(OutboxFloor floor, long lastId, long oldest, long next)
    {
        Assert.True(floor.IsSampleDue);
        floor.Sample(lastId, oldest, next);
        Assert.False(floor.IsSampleDue);
        time.Advance(Second);
    }

    private static async Task<OutboxSession> OpenAsync(NpgsqlDataSource source, OutboxFloor floor)
    {
        var telemetry = new Telemetry(new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>());
        return await OutboxSession.OpenAsync(source, floor, telemetry, TestContext.Current.CancellationToken);
    }

    // As the relay does, with a broker that confirms everything.
    private static async Task<List<long>> DrainAsync(OutboxSession session)
    {
        var ids = new List<long>();
        var messages = await session.TryBeginAsync();
        while (messages!.Count == OutboxSession.BatchSize)
        {
            ids.AddRange(messages.Select(message => message.Id));
            messages = await session.ContinueAsync([.. messages.Select(message => message.Id)]);
        }
        ids.AddRange(messages.Select(message => message.Id));
        await session.EndAsync([.. messages.Select(message => message.Id)], all: true);
        return ids;
    }

    private static async Task InsertAsync(NpgsqlCommand insert)
    {
        await using (insert)
            await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<int> PagesAsync(NpgsqlCommand explain)
    {
        await using var row = await explain.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await row.ReadAsync(TestContext.Current.CancellationToken))
        {
            if (System.Text.RegularExpressions.Regex.Match(row.GetString(0), @"shared hit=(\d+)") is { Success: true } hit)
                return int.Parse(hit.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        }
        throw new InvalidOperationException("The plan does not say how many pages were read.");
    }
}
