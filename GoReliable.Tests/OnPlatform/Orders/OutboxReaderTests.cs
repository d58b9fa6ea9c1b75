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
public sealed partial class OutboxReaderTests(OutboxDatabase outbox) : IClassFixture<OutboxDatabase>, IAsyncLifetime
{
    private const string Rows =
        "INSERT INTO outbox (event_id, order_id, type, body, created_at) "
        + "SELECT gen_random_uuid(), gen_random_uuid(), 'order.created', '', now()";
    private const string Row =
        "INSERT INTO outbox (id, event_id, order_id, type, body, created_at) OVERRIDING SYSTEM VALUE "
        + "VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'order.created', '', now())";

    private readonly FakeTimeProvider time = new();
    private readonly OwnDatabase database = outbox.Own;
    private readonly NpgsqlDataSource source = OutboxDataSource.Create(outbox.Own.ConnectionString);
    private OutboxReader reader = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await outbox.EmptyAsync();
        reader = await OpenAsync(source);
    }

    public async ValueTask DisposeAsync()
    {
        await reader.DisposeAsync();
        await source.DisposeAsync();
    }

    [Fact]
    public async Task A_row_whose_transaction_ends_late_is_read_before_later_ones()
    {
        await MoveOnAsync();

        await using var late = await OpenTransaction.BeginAsync(database.Source, Rows);
        var id = await LastIdAsync();
        for (var i = 1; i <= 5; i++)
        {
            await database.ExecuteAsync(Rows);
            Assert.Equal([id + i], await DrainAsync());
        }
        time.Advance(TimeSpan.FromMinutes(1));
        await database.ExecuteAsync(Rows);
        Assert.Equal([id + 6], await DrainAsync());
        Assert.InRange(reader.ReadAfter, 1, id - 1);

        await late.CommitAsync();
        await database.ExecuteAsync(Rows);
        Assert.Equal([id, id + 7], await DrainAsync());
    }

    [Fact]
    public async Task A_row_with_a_smaller_id_than_those_read_is_found_within_a_second()
    {
        var id = await database.ScalarAsync<long>("SELECT nextval('outbox_id_seq')");
        await MoveOnAsync();
        await database.Source.RunAsync(Row, id);

        Assert.Empty(await DrainAsync());
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([id], await DrainAsync());
    }

    [Fact]
    public async Task A_transaction_that_stays_open_for_hours_does_not_hold_up_the_reader()
    {
        await using var forgotten = await OpenTransaction.BeginAsync(database.Source, "CREATE TABLE something ()");

        await database.ExecuteAsync(Rows);
        Assert.Single(await DrainAsync());
        await database.ExecuteAsync(Rows);
        Assert.Single(await DrainAsync());
        Assert.Equal(1, reader.ReadAfter);
    }

    private static async Task<OutboxReader> OpenAsync(NpgsqlDataSource source, TimeProvider time)
    {
        var reader = new OutboxReader(
            source,
            new Telemetry(
                new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>()
            ),
            time
        );
        await reader.OpenAsync(Cancel);
        return reader;
    }

    private Task<OutboxReader> OpenAsync(NpgsqlDataSource source) => OpenAsync(source, time);

    // The first row is read, then nobody who may have taken a smaller id is left.
    private Task<long> MoveOnAsync()
    {
        var before = reader.ReadAfter;
        return Poll.UntilAsync(
            "a reader that goes on",
            async () =>
            {
                await database.ExecuteAsync(Rows);
                Assert.Single(await DrainAsync());
                return reader.ReadAfter;
            },
            start => start > before
        );
    }

    // As the relay does, with a broker that confirms everything.
    private async Task<List<long>> DrainAsync()
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

    // Also of a row that is not committed yet.
    private Task<long> LastIdAsync() => database.ScalarAsync<long>("SELECT last_value FROM outbox_id_seq");
}
