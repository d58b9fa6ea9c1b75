using GoReliable.Database;
using GoReliable.Database.Schema;
using GoReliable.ServiceDefaults.Lifecycle;
using Npgsql;

namespace GoReliable.Orders.Outbox;

/// <summary>
/// Samples the outbox every few seconds for its gauges, so that a scrape needs no query. If sampling fails, the gauges
/// report nothing: a gap in the graph is correct, a frozen line is not.
/// </summary>
internal sealed class OutboxSampler(
    NpgsqlDataSource database,
    SchemaUpgrade schema,
    Telemetry telemetry,
    ILogger<OutboxSampler> logger,
    TimeProvider time
) : RepeatedWork(Interval, time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // While a backup prevents the vacuum, each sample walks over deleted rows. So sampling may take a twentieth of the
    // time. After a failure the pause is shorter, since the gauges are missing.
    private const int PauseFactor = 20;
    private static readonly TimeSpan MaxPauseAfterFailure = TimeSpan.FromSeconds(30);

    private const int MaxCounted = 100_001;

    // Counts up to a bound: counting a backlog of millions would take longer than there is time, just when it matters
    // most.
    internal const string Select = """
        -- sample outbox
        SELECT count(*) FILTER (WHERE NOT waits), min(created_at) FILTER (WHERE NOT waits),
            count(*) FILTER (WHERE waits)
        FROM (
            SELECT o.created_at,
                coalesce((SELECT retry_at IS NULL FROM outbox_set_aside WHERE order_id = o.order_id LIMIT 1), false)
                    AS waits
            FROM outbox o ORDER BY o.id LIMIT $1
        ) AS counted
        """;

    private volatile Sample? latest;

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        telemetry.ObserveOutbox(
            () => latest?.Pending,
            () => latest?.Age(Time.GetUtcNow().UtcDateTime),
            () => latest?.SetAside
        );
        return base.ExecuteAsync(stoppingToken);
    }

    protected override void LogFailure(string reason) => logger.OutboxSampleFailed(reason);

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        await schema.WaitAsync(stoppingToken);
        var started = Time.GetTimestamp();
        using var look = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        try
        {
            // If sampling hangs, the old value must not stay.
            latest = await SampleAsync(look.Token).WaitAsync(Interval, Time, stoppingToken);
            Succeed();
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            latest = null;
            // Before the pause.
            Report(exception);
            await look.CancelAsync();
            throw;
        }
        finally
        {
            var pause = Time.GetElapsedTime(started) * PauseFactor;
            if (latest is null && pause > MaxPauseAfterFailure)
                pause = MaxPauseAfterFailure;
            if (pause > Interval)
                await Task.Delay(pause - Interval, Time, stoppingToken);
        }
    }

    private async Task<Sample> SampleAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Select);
        command.Parameters.AddValue(MaxCounted);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return new Sample(row.GetInt64(0), row.IsDBNull(1) ? null : row.GetDateTime(1), row.GetInt64(2));
    }

    private sealed record Sample(long Pending, DateTime? OldestCreatedAt, long SetAside)
    {
        // The clocks of two machines may disagree.
        public TimeSpan Age(DateTime now) => OldestCreatedAt < now ? now - OldestCreatedAt.Value : TimeSpan.Zero;
    }
}
