using System.Diagnostics;
using GoReliable.Messaging;
using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// The broker was away for hours, a million events wait, and a backup keeps every vacuum off the table: orders are
/// taken as fast as ever, the outbox drains as fast at its end as at its beginning, and the relay holds a batch of it,
/// not all.
/// </summary>
/// <remarks>
/// The middle of the backlog is deleted at once, as if it had been published. A reader that always begins at the
/// first row would walk over all these deleted rows. With <c>GORELIABLE_BACKLOG=whole</c> the middle is really
/// published, which takes minutes.
/// </remarks>
[Collection(ServersOnly.UnderLoad)]
public sealed class BacklogTests(ServersOnly servers) : IAsyncDisposable
{
    private const int Million = 1_000_000;
    private const int Measured = 15_000;
    private const double MebiByte = 1024 * 1024;
    private static readonly bool IsWhole = Environment.GetEnvironmentVariable("GORELIABLE_BACKLOG") == "whole";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_backlog_of_a_million_drains_at_the_same_speed_from_its_beginning_to_its_end()
    {
        var messaging = new UriBuilder(await servers.Platform.ConnectionStringAsync("messaging"));
        await using var network = new TcpProxy(target: new(messaging.Host, messaging.Port));
        network.Cut();
        messaging.Port = network.Port;
        await using var database = await OwnDatabase.CreateAsync(servers.Platform, "Orders");
        await using var service = await ServiceProcess.StartAsync(
            "Orders",
            [
                .. GatewayProcess.WithSigningKey,
                ("ConnectionStrings__orders-db", database.ConnectionString),
                ("ConnectionStrings__messaging", messaging.Uri.AbsoluteUri),
            ]
        );
        var orders = service.Management;
        service.Client.DefaultRequestHeaders.Authorization = GatewayProcess.Tokens.Bearer("backlog");

        await TimeOrdersAsync(service.Client);
        var whenEmpty = await TimeOrdersAsync(service.Client);
        await FillAsync(database.Source);
        var whenFull = await TimeOrdersAsync(service.Client);
        await AssertOneBatchIsReadAsync(database.ConnectionString);

        await using var backup = await database.Source.OpenConnectionAsync(Cancel);
        await using var transaction = await backup.BeginTransactionAsync(
            System.Data.IsolationLevel.RepeatableRead,
            Cancel
        );
        await using var count = new NpgsqlCommand("SELECT count(*) FROM outbox", backup, transaction);
        var backlog = (long)(await count.ExecuteScalarAsync(Cancel))!;
        var memoryBefore = (await Exposition.ScrapeAsync(orders)).Sum("dotnet_process_memory_working_set_bytes");
        network.Resume();
        var head = await DrainedPart.WatchAsync(orders, from: 0, to: Measured);
        var memory = head.Memory;
        if (IsWhole)
            memory = Math.Max(memory, (await DrainedPart.WatchAsync(orders, Measured, backlog - Measured)).Memory);
        else
            backlog -= await DeleteMiddleAsync(database.Source);
        var tail = await DrainedPart.WatchAsync(orders, backlog - Measured, backlog);

        memory = Math.Max(memory, tail.Memory);
        var output = TestContext.Current.TestOutputHelper!;
        output.WriteLine(
            $"an order takes at least {whenEmpty.TotalMilliseconds:F1} ms when the outbox is empty, "
                + $"{whenFull.TotalMilliseconds:F1} ms when it is full"
        );
        output.WriteLine(
            $"working set of orders: {memoryBefore / MebiByte:F0} MiB before, {memory / MebiByte:F0} MiB at most"
        );
        Assert.InRange(whenFull, TimeSpan.Zero, whenEmpty * 3);
        Assert.InRange(tail.BestSpeed, head.Speed / 2, double.PositiveInfinity);
        Assert.InRange(memory - memoryBefore, double.MinValue, 150 * MebiByte);
    }

    // These events are none that a worker could read.
    public async ValueTask DisposeAsync()
    {
        await using var connection = await servers.Platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        await channel.QueuePurgeAsync(OrderTopology.Queue, Cancel);
    }

    /// <returns>
    /// What the quickest of some orders takes: the machine may be busy with something else, but not all the time.
    /// </returns>
    private static async Task<TimeSpan> TimeOrdersAsync(HttpClient customer)
    {
        var quickest = TimeSpan.MaxValue;
        for (var i = 0; i < 100; i++)
        {
            var asked = Stopwatch.GetTimestamp();
            await customer.CreateAsync();
            var took = Stopwatch.GetElapsedTime(asked);
            quickest = took < quickest ? took : quickest;
        }
        return quickest;
    }

    private static async Task FillAsync(NpgsqlDataSource database)
    {
        await using var fill = database.CreateCommand(
            """
            INSERT INTO outbox (event_id, order_id, type, body, traceparent, created_at)
            SELECT id, id, 'order.created', body, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', now()
            FROM (SELECT lpad(to_hex(n), 32, '0')::uuid AS id,
                convert_to(repeat('x', 100), 'UTF8') AS body FROM generate_series(1, $1) AS n) AS row
            """
        );
        fill.CommandTimeout = 300;
        fill.Parameters.AddWithValue(Million);
        await fill.ExecuteNonQueryAsync(Cancel);
    }

    private static async Task AssertOneBatchIsReadAsync(string connectionString)
    {
        await using var relay = OutboxDataSource.Create(connectionString);
        await using var connection = await relay.OpenConnectionAsync(Cancel);
        await using (var active = new NpgsqlCommand("SET goreliable.relay = 'true'", connection))
            await active.ExecuteNonQueryAsync(Cancel);
        await using var explain = new NpgsqlCommand(
            "EXPLAIN ANALYZE "
                + OutboxReader
                    .Select.Replace("$1", $"{OutboxReader.BatchSize}", StringComparison.Ordinal)
                    .Replace("$2", "0", StringComparison.Ordinal),
            connection
        );
        await using var line = await explain.ExecuteReaderAsync(Cancel);
        var plan = new List<string>();
        while (await line.ReadAsync(Cancel))
            plan.Add(line.GetString(0));
        // Nothing is sorted, and the scan ends with the batch.
        Assert.StartsWith("Limit", plan[0], StringComparison.Ordinal);
        var scan = Assert.Single(plan, node => node.Contains("Scan using outbox_pkey", StringComparison.Ordinal));
        Assert.Matches($@"Index Scan using outbox_pkey .*\(actual .* rows={OutboxReader.BatchSize}(\.00)? ", scan);
        Assert.DoesNotContain(plan, node =>
            node.Contains("Sort", StringComparison.Ordinal) || node.Contains("Seq Scan", StringComparison.Ordinal)
        );
    }

    /// <summary>Leaves what the relay sends meanwhile, and the end.</summary>
    /// <returns>How many rows are gone.</returns>
    private static async Task<int> DeleteMiddleAsync(NpgsqlDataSource database)
    {
        await using var delete = database.CreateCommand(
            "DELETE FROM outbox WHERE id > $1 AND id <= (SELECT last_value FROM outbox_id_seq) - $2"
        );
        delete.CommandTimeout = 300;
        delete.Parameters.AddWithValue(2L * Measured);
        delete.Parameters.AddWithValue(Measured * 6L / 5);
        return await delete.ExecuteNonQueryAsync(Cancel);
    }
}
