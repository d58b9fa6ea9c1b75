using System.Diagnostics;
using System.Globalization;
using GoReliable.Tests.Platform;
using GoReliable.Tests.Signals;
using Npgsql;

namespace GoReliable.Tests.Faults;

/// <summary>
/// The broker was away for hours, and a backup keeps every vacuum off the table: the outbox drains at one speed, and the
/// relay holds a batch of it, not all. <c>GORELIABLE_BACKLOG=1000000</c> makes it the backlog of a long night.
/// </summary>
public sealed class BacklogTests
{
    private const int Parts = 10;
    private const double MebiByte = 1024 * 1024;
    private static readonly int Backlog = int.Parse(Environment.GetEnvironmentVariable("GORELIABLE_BACKLOG") ?? "30000", CultureInfo.InvariantCulture);

    [Fact]
    public async Task A_backlog_drains_at_the_same_speed_from_its_beginning_to_its_end()
    {
        await using var platform = await GoReliablePlatform.StartAsync();
        await platform.StopAsync("notifications");
        await platform.StopAsync("messaging");
        await using var database = await platform.DatabaseAsync("orders-db");
        await FillAsync(database);
        await using var backup = await database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await backup.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, TestContext.Current.CancellationToken);
        await using (var look = new NpgsqlCommand("SELECT count(*) FROM outbox", backup, transaction))
            Assert.Equal((long)Backlog, await look.ExecuteScalarAsync(TestContext.Current.CancellationToken));

        using var orders = platform.Management("orders");
        var memoryBefore = (await Exposition.ScrapeAsync(orders)).Sum("dotnet_process_memory_working_set_bytes");
        await platform.StartAsync("messaging");
        var (times, databaseTimes, memory) = await WatchAsync(orders);

        var speeds = times.Zip(times.Skip(1), (from, to) => Backlog / (double)Parts / (to - from).TotalSeconds).ToList();
        var output = TestContext.Current.TestOutputHelper!;
        output.WriteLine($"{Backlog} rows; a second, tenth by tenth: {string.Join(' ', speeds.Select(speed => speed.ToString("F0", CultureInfo.InvariantCulture)))}");
        output.WriteLine($"of a batch, the database's milliseconds: {string.Join(' ', databaseTimes.Zip(databaseTimes.Skip(1), (from, to) => ((to - from) / (Backlog / (double)Parts / 500) * 1000).ToString("F1", CultureInfo.InvariantCulture)))}");
        output.WriteLine($"working set of orders: {memoryBefore / MebiByte:F0} MiB before, {memory / MebiByte:F0} MiB at most");
        Assert.InRange(Typical(speeds.Skip(Parts / 2)), Typical(speeds.Take(Parts / 2)) / 2, double.MaxValue);
        Assert.InRange(memory - memoryBefore, double.MinValue, 150 * MebiByte);
    }

    // The second best: the machine may have been busy with something else, but not all the time; and one part may look
    // short because the look before it was late.
    private static double Typical(IEnumerable<double> speeds) => speeds.OrderDescending().ElementAt(1);

    private static async Task FillAsync(NpgsqlDataSource database)
    {
        await using var fill = database.CreateCommand("""
            INSERT INTO outbox (event_id, order_id, type, body, traceparent, created_at)
            SELECT gen_random_uuid(), gen_random_uuid(), 'order.created', convert_to(repeat('x', 600), 'UTF8'), '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00', now()
            FROM generate_series(1, $1)
            """);
        fill.CommandTimeout = 300;
        fill.Parameters.AddWithValue(Backlog);
        await fill.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <returns>When each part was through, from the first message on; what the database had taken by then, in seconds; and the most memory that was seen.</returns>
    private static async Task<(List<TimeSpan> Times, List<double> DatabaseTimes, double Memory)> WatchAsync(HttpClient orders)
    {
        var (times, databaseTimes, memory, started) = (new List<TimeSpan>(), new List<double>(), 0.0, Stopwatch.GetTimestamp());
        var (lastTime, lastSent) = (TimeSpan.Zero, 0.0);
        await Eventually.SeeAsync(
            $"{Backlog} confirmed messages",
            async () =>
            {
                var scrape = await Exposition.ScrapeAsync(orders);
                var (now, sent) = (Stopwatch.GetElapsedTime(started), scrape.Sum("goreliable_order_service_outbox_messages_published_total", ("result", "confirmed")));
                memory = Math.Max(memory, scrape.Sum("dotnet_process_memory_working_set_bytes"));
                // Between two looks it went on evenly.
                for (; times.Count <= Parts && sent > lastSent && sent >= Math.Max(1, times.Count * (double)Backlog / Parts); )
                {
                    times.Add(lastTime + (now - lastTime) * ((Math.Max(1, times.Count * (double)Backlog / Parts) - lastSent) / (sent - lastSent)));
                    databaseTimes.Add(scrape.Sum("goreliable_order_service_db_query_duration_seconds_sum", ("query", "delete_outbox")));
                }
                (lastTime, lastSent) = (now, sent);
                return sent;
            },
            sent => sent >= Backlog,
            TimeSpan.FromSeconds(60 + Backlog / 1000));
        return (times, databaseTimes, memory);
    }
}
