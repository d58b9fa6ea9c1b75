using GoReliable.ServiceDefaults.Schema;
using Npgsql;

namespace GoReliable.Orders.Outbox;

/// <summary>
/// Looks at the outbox every few seconds for its gauges, so that a scrape costs no query. When a look fails the gauges
/// report nothing: a hole in the graph is true, a frozen line is not.
/// </summary>
internal sealed class OutboxSampler : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // Counted to a bound: a backlog of millions would take longer to count than there is time, when it matters most.
    internal const string Select = """
        -- sample outbox
        SELECT
            (SELECT count(*) FROM (SELECT FROM outbox WHERE id > $1 ORDER BY id LIMIT 100001) AS counted),
            (SELECT created_at FROM outbox WHERE id > $1 ORDER BY id LIMIT 1)
        """;

    private readonly NpgsqlDataSource database;
    private readonly SchemaUpgrade schema;
    private readonly OutboxFloor floor;
    private readonly ILogger<OutboxSampler> logger;
    private readonly TimeProvider time;
    private volatile Sample? latest;

    public OutboxSampler(NpgsqlDataSource database, SchemaUpgrade schema, OutboxFloor floor, Telemetry telemetry, ILogger<OutboxSampler> logger, TimeProvider time)
    {
        (this.database, this.schema, this.floor, this.logger, this.time) = (database, schema, floor, logger, time);
        telemetry.ObserveOutbox(
            () => latest is { } sample ? [new(sample.Pending)] : [],
            () => latest is { } sample ? [new(sample.OldestCreatedAt is { } oldest ? Math.Max(0, (time.GetUtcNow() - oldest).TotalSeconds) : 0)] : []);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(Interval, time);
        var failing = false; // the same trouble every few seconds is one line in the log
        do
        {
            try
            {
                // One that hangs must not leave the last value standing.
                latest = await TakeAsync(stoppingToken).WaitAsync(Interval, time, stoppingToken);
                failing = false;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                latest = null;
                if (!failing)
                    logger.OutboxSampleFailed(exception.Message);
                failing = true;
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<Sample> TakeAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Select);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = floor.Value });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return new Sample(row.GetInt64(0), row.IsDBNull(1) ? null : row.GetDateTime(1));
    }

    private sealed record Sample(long Pending, DateTime? OldestCreatedAt);
}
