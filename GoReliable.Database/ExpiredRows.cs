using GoReliable.Database.Schema;
using GoReliable.ServiceDefaults.Lifecycle;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace GoReliable.Database;

/// <summary>
/// Removes rows of a table whose time is over: a little at a time, so that nobody else has to wait for it.
/// </summary>
/// <remarks>
/// Every replica does it. Rows that another one removes now are passed over, so they share the work and never wait for
/// each other.
/// </remarks>
public sealed partial class ExpiredRows(
    string table,
    string sql,
    Func<TimeSpan> retention,
    NpgsqlDataSource database,
    SchemaUpgrade schema,
    ILogger<ExpiredRows> logger,
    TimeProvider time
) : RepeatedWork(Interval, time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(10);

    // Between two batches: leaves most of the disk's time to the requests of customers.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Deletes rows whose time is before <c>$1</c>, a thousand at most. It deletes by row address: a join would be
    /// planned for a table of any size, and would sometimes read all of it. Passes over rows that somebody else has
    /// locked.
    /// </summary>
    public static string Sql(string table, string column) =>
        $"""
            -- expire {table.Replace('_', ' ')}
            DELETE FROM {table} WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM {table} WHERE {column} < $1 ORDER BY {column} LIMIT 1000 FOR UPDATE SKIP LOCKED))
            """;

    /// <summary>Removes what is too old now, batch by batch.</summary>
    /// <returns>How many rows.</returns>
    public Task<long> RemoveAsync(CancellationToken cancellationToken)
    {
        // Taken once: with traffic, something is too old at each later moment as well, and this would never end.
        var tooOld = (Time.GetUtcNow() - retention()).UtcDateTime;
        return database.ExecuteInBatchesAsync(sql, tooOld, cancellationToken, () =>
            Task.Delay(Pause, Time, cancellationToken)
        );
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        await schema.WaitAsync(stoppingToken);
        try
        {
            if (await RemoveAsync(stoppingToken) is var removed && removed > 0)
                LogExpired(removed, table);
        }
        catch (Exception exception)
        {
            database.LeaveReadOnlyServer(exception);
            throw;
        }
    }

    protected override void LogFailure(string reason) => LogNotExpired(table, reason);

    [LoggerMessage(
        EventName = "rows.expired",
        Level = LogLevel.Information,
        Message = "Removed {Count} expired row(s) of {Table}"
    )]
    private partial void LogExpired(long count, string table);

    [LoggerMessage(
        EventName = "rows.not_expired",
        Level = LogLevel.Warning,
        Message = "Expired rows of {Table} cannot be removed, trying again later: {Reason}"
    )]
    private partial void LogNotExpired(string table, string reason);
}
