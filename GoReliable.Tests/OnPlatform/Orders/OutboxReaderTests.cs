using System.Diagnostics.Metrics;
using GoReliable.Orders;
using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>The relay reads from where it was, past what it deleted, and misses nothing.</summary>
[Collection(ServersOnly.Name)]
public sealed partial class OutboxReaderTests(ServersOnly shared)
{
    private const string Rows =
        "INSERT INTO outbox (event_id, order_id, type, body, created_at) "
        + "SELECT gen_random_uuid(), gen_random_uuid(), 'order.created', '', now()";
    private const string Row =
        "INSERT INTO outbox (id, event_id, order_id, type, body, created_at) OVERRIDING SYSTEM VALUE "
        + "VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'order.created', '', now())";

    private readonly FakeTimeProvider time = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_row_whose_transaction_ends_late_is_read_before_later_ones()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await using var source = OutboxDataSource.Create(database.ConnectionString);
        await using var reader = await OpenAsync(source);
        await MoveOnAsync(database, reader);

        await using var late = await database.Source.OpenConnectionAsync(Cancel);
        await using var transaction = await late.BeginTransactionAsync(Cancel);
        await InsertAsync(new NpgsqlCommand(Rows, late, transaction));
        var id = await database.ScalarAsync<long>("SELECT last_value FROM outbox_id_seq");
        for (var i = 1; i <= 5; i++)
        {
            await InsertAsync(database.Source.CreateCommand(Rows));
            Assert.Equal([id + i], await DrainAsync(reader));
        }
        time.Advance(TimeSpan.FromMinutes(1));
        await InsertAsync(database.Source.CreateCommand(Rows));
        Assert.Equal([id + 6], await DrainAsync(reader));
        Assert.InRange(reader.Start, 1, id - 1);

        await transaction.CommitAsync(Cancel);
        await InsertAsync(database.Source.CreateCommand(Rows));
        Assert.Equal([id, id + 7], await DrainAsync(reader));
    }

    [Fact]
    public async Task A_row_with_a_smaller_id_than_those_read_is_found_within_a_second()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await using var source = OutboxDataSource.Create(database.ConnectionString);
        await using var reader = await OpenAsync(source);
        var id = await database.ScalarAsync<long>("SELECT nextval('outbox_id_seq')");
        await MoveOnAsync(database, reader);
        await InsertAsync(
            new NpgsqlCommand(Row, await database.Source.OpenConnectionAsync(Cancel))
            {
                Parameters = { new() { Value = id } },
            }
        );

        Assert.Empty(await DrainAsync(reader));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([id], await DrainAsync(reader));
    }

    [Fact]
    public async Task A_transaction_that_stays_open_for_hours_does_not_hold_up_the_reader()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await using var source = OutboxDataSource.Create(database.ConnectionString);
        await using var reader = await OpenAsync(source);
        await using var forgotten = await database.Source.OpenConnectionAsync(Cancel);
        await using var transaction = await forgotten.BeginTransactionAsync(Cancel);
        await using var change = new NpgsqlCommand("CREATE TABLE something ()", forgotten, transaction);
        await change.ExecuteNonQueryAsync(Cancel);

        await InsertAsync(database.Source.CreateCommand(Rows));
        Assert.Single(await DrainAsync(reader));
        await InsertAsync(database.Source.CreateCommand(Rows));
        Assert.Single(await DrainAsync(reader));
        Assert.Equal(1, reader.Start);
    }

    [Fact]
    public async Task Nothing_is_read_without_the_lock()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await database.ExecuteAsync($"{Rows} FROM generate_series(1, 3)");
        await using var source = OutboxDataSource.Create(database.ConnectionString);
        await using var active = await OpenAsync(source);
        await using var passive = await OpenAsync(source);

        Assert.Equal(3, (await active.TryBeginAsync())!.Count);
        Assert.Null(await passive.TryBeginAsync());
        var plan = await ExplainAsync(
            source,
            "SET goreliable.relay = 'false'",
            $"EXPLAIN (ANALYZE) {Literal(after: 0)}"
        );
        Assert.Contains(plan, line => line.Contains("outbox_pkey", StringComparison.Ordinal));
        Assert.All(plan.Where(line => line.Contains("Scan", StringComparison.Ordinal)), line =>
            Assert.EndsWith("(never executed)", line, StringComparison.Ordinal)
        );

        await active.EndAsync(published: null);
        Assert.Equal(3, (await passive.TryBeginAsync())!.Count);
    }

    [Fact]
    public async Task Nothing_is_read_from_a_server_that_is_read_only()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await database.ExecuteAsync($"{Rows} FROM generate_series(1, 3)");
        await using var source = OutboxDataSource.Create(
            $"{database.ConnectionString};Options=-c default_transaction_read_only=on"
        );
        await using var reader = await OpenAsync(source);

        await Assert.ThrowsAsync<InvalidOperationException>(() => reader.TryBeginAsync());
        await using var other = OutboxDataSource.Create(database.ConnectionString);
        await using var active = await OpenAsync(other);
        Assert.Equal(3, (await active.TryBeginAsync())!.Count);
    }

    [Fact]
    public async Task Two_outboxes_in_one_database_have_an_active_relay_each()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await database.ExecuteAsync(
            "CREATE SCHEMA shop; CREATE TABLE shop.outbox (LIKE public.outbox INCLUDING ALL); "
                + "CREATE TABLE shop.outbox_set_aside (LIKE public.outbox_set_aside INCLUDING ALL)"
        );
        await using var source = OutboxDataSource.Create(database.ConnectionString);
        await using var ofShop = OutboxDataSource.Create($"{database.ConnectionString};Options=-c search_path=shop");
        await using var reader = await OpenAsync(source);
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
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await using var source = OutboxDataSource.Create(
            $"{database.ConnectionString};Options=-c idle_session_timeout=12s"
        );
        await using var active = await OpenAsync(source);
        await using var passive = await OpenAsync(source);
        Assert.NotNull(await active.TryBeginAsync());

        // As while the broker blocks publishing.
        await Poll.UntilAsync(
            "a session that has lived longer than an idle one may",
            () =>
                database.ScalarAsync<TimeSpan>(
                    "SELECT coalesce(min(now() - backend_start), interval '0 s') FROM pg_stat_activity "
                        + "WHERE datname = current_database() AND application_name = 'orders-db-relay'"
                ),
            age => age > TimeSpan.FromSeconds(14),
            TimeSpan.FromSeconds(30)
        );

        Assert.Null(await passive.TryBeginAsync());
    }

    private async Task<OutboxReader> OpenAsync(NpgsqlDataSource source)
    {
        var reader = new OutboxReader(source, NewTelemetry(), time);
        await reader.OpenAsync(Cancel);
        return reader;
    }

    private static Telemetry NewTelemetry() =>
        new(new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>());

    // The first row is read, then nobody who may have taken a smaller id is left.
    private static async Task MoveOnAsync(OwnDatabase database, OutboxReader reader)
    {
        var before = reader.Start;
        await Poll.UntilAsync(
            "a reader that goes on",
            async () =>
            {
                await InsertAsync(database.Source.CreateCommand(Rows));
                Assert.Single(await DrainAsync(reader));
                return reader.Start;
            },
            start => start > before
        );
    }

    // As the relay does, with a broker that confirms everything.
    private static async Task<List<long>> DrainAsync(OutboxReader reader)
    {
        var ids = new List<long>();
        var messages = (await reader.TryBeginAsync())!;
        while (messages.Count == OutboxReader.BatchSize)
        {
            ids.AddRange(messages.Select(message => message.Id));
            messages = await reader.ContinueAsync(Confirmed(messages));
        }
        ids.AddRange(messages.Select(message => message.Id));
        await reader.EndAsync(Confirmed(messages));
        return ids;
    }

    private static PublishedBatch Confirmed(IReadOnlyList<OutboxMessage> messages) =>
        new(messages, [.. messages.Select(_ => new PublishOutcome(PublishKind.Confirmed))]);

    private static async Task InsertAsync(NpgsqlCommand insert)
    {
        await using (insert)
            await insert.ExecuteNonQueryAsync(Cancel);
    }
}
