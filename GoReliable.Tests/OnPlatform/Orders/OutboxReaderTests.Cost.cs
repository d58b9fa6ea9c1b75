using System.Globalization;
using System.Text.RegularExpressions;
using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>What a read costs, also where deleted rows cannot be removed.</summary>
public sealed partial class OutboxReaderTests
{
    [Fact]
    public async Task Reading_from_the_first_row_takes_a_twentieth_of_the_time_at_most()
    {
        var id = await database.ScalarAsync<long>("SELECT nextval('outbox_id_seq')");
        await MoveOnAsync();

        // In place of millions of rows that a backup keeps.
        await using var blocker = await LockAsync();
        time.Advance(TimeSpan.FromSeconds(1));
        var looking = DrainAsync();
        await WaitingAsync(TimeSpan.Zero);
        time.Advance(TimeSpan.FromSeconds(2));
        await blocker.DisposeAsync();
        Assert.Empty(await looking);

        await database.Source.RunAsync(Row, id);
        time.Advance(TimeSpan.FromSeconds(37));
        Assert.Empty(await DrainAsync());
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([id], await DrainAsync());
    }

    [Fact]
    public async Task Deleted_rows_are_not_read_again_although_vacuum_cannot_remove_them()
    {
        // A backup, say: nothing that it could still see is removed.
        await using var backup = await OpenTransaction.BeginAsync(
            database.Source,
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM outbox"
        );

        await database.ExecuteAsync($"{Rows} FROM generate_series(1, 5000)");
        Assert.Equal(5000, (await DrainAsync()).Count);
        await MoveOnAsync();

        Assert.InRange(await PagesAsync(after: reader.ReadAfter), 1, 20);
        Assert.InRange(await PagesAsync(after: 0), 50, 100_000);
    }

    [Fact]
    public async Task A_read_from_the_first_row_that_timed_out_has_more_time_the_next_time()
    {
        await database.ExecuteAsync($"{Rows} FROM generate_series(1, 3)");
        await using var impatient = OutboxDataSource.Create($"{database.ConnectionString};Command Timeout=1");
        await using var late = await OpenAsync(impatient, TimeProvider.System);
        await using var blocker = await LockAsync();

        await Assert.ThrowsAsync<NpgsqlException>(() => late.TryBeginAsync());
        await late.OpenAsync(Cancel);
        var looking = late.TryBeginAsync();
        await WaitingAsync(TimeSpan.FromSeconds(2));
        await blocker.DisposeAsync();

        Assert.Equal([1L, 2L, 3L], (await looking)!.Select(message => message.Id));
    }

    [Fact]
    public async Task The_relay_never_scans_the_whole_table_whatever_the_plan_and_never_uses_JIT()
    {
        foreach (
            var (statement, arguments) in new[]
            {
                (OutboxReader.Select, "500, 0"),
                (OutboxReader.Delete, "NULL, '{1,2}'"),
            }
        )
        {
            var lines = await ExplainAsync(
                $"DEALLOCATE ALL; SET plan_cache_mode = force_generic_plan; PREPARE statement AS {statement}",
                $"EXPLAIN EXECUTE statement({arguments})"
            );
            Assert.Contains(lines, line => line.Contains("outbox_pkey", StringComparison.Ordinal));
            Assert.DoesNotContain(lines, line =>
                line.Contains("Seq Scan", StringComparison.Ordinal) || line.Contains("JIT", StringComparison.Ordinal)
            );
        }
        Assert.Equal(["off"], await ExplainAsync("SELECT", "SHOW jit"));
    }

    private Task<OpenTransaction> LockAsync() => OpenTransaction.BeginAsync(database.Source, "LOCK TABLE outbox");

    private Task<TimeSpan> WaitingAsync(TimeSpan atLeast) =>
        Poll.UntilAsync(
            $"a look that has waited for {atLeast}",
            () =>
                database.ScalarAsync<TimeSpan>(
                    "SELECT coalesce(max(now() - query_start), interval '-1 s') "
                        + "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                ),
            waiting => waiting >= atLeast,
            TimeSpan.FromSeconds(20)
        );

    private static string Literal(long after) =>
        OutboxReader
            .Select.Replace("$1", $"{OutboxReader.BatchSize}", StringComparison.Ordinal)
            .Replace("$2", after.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private async Task<int> PagesAsync(long after)
    {
        var plan = await ExplainAsync("SET goreliable.relay = 'true'", $"EXPLAIN (ANALYZE, BUFFERS) {Literal(after)}");
        return int.Parse(Hits.Match(plan.First(Hits.IsMatch)).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    private async Task<List<string>> ExplainAsync(string before, string explain)
    {
        await using var connection = await source.OpenConnectionAsync(Cancel);
        await using (var prepare = new NpgsqlCommand(before, connection))
            await prepare.ExecuteNonQueryAsync(Cancel);
        await using var command = new NpgsqlCommand(explain, connection);
        await using var row = await command.ExecuteReaderAsync(Cancel);
        var lines = new List<string>();
        while (await row.ReadAsync(Cancel))
            lines.Add(row.GetString(0));
        return lines;
    }

    [GeneratedRegex(@"shared hit=(\d+)")]
    private static partial Regex Hits { get; }
}
