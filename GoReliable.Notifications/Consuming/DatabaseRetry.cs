using System.Data.Common;
using GoReliable.Database;
using GoReliable.ServiceDefaults.Problems;
using Npgsql;

namespace GoReliable.Notifications.Consuming;

/// <summary>
/// Tries until the database has taken the result. No attempt is counted: the message is not the cause.
/// </summary>
internal sealed class DatabaseRetry(NpgsqlDataSource database, ILogger<DatabaseRetry> logger, TimeProvider time)
{
    // Shared by all batches, so that an outage is one line in the log and not one for each.
    private int isAway;

    /// <summary>After each failed try <paramref name="giveUp"/> is asked for the token that ends the waiting.</summary>
    /// <exception cref="OperationCanceledException"><paramref name="giveUp"/> was cancelled.</exception>
    public async Task RunAsync(Func<Task> attempt, Func<CancellationToken> giveUp)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await attempt();
                if (Interlocked.Exchange(ref isAway, 0) == 1)
                    logger.DatabaseAvailable();
                return;
            }
            catch (Exception exception)
                when (IsNoLongerOpen(exception) || (exception is DbException refused && refused.IsServerFailure()))
            {
                database.LeaveReadOnlyServer(exception);
                if (Interlocked.Exchange(ref isAway, 1) == 0)
                    logger.DatabaseUnavailable(exception.Message);
                await Task.Delay(Backoff(tries), time, giveUp());
            }
        }
    }

    // What Npgsql says of a connection that broke meanwhile. Other code's InvalidOperationException is a defect.
    private static bool IsNoLongerOpen(Exception exception) =>
        exception is InvalidOperationException and not ObjectDisposedException && exception.Source == nameof(Npgsql);

    private static TimeSpan Backoff(int tries) => TimeSpan.FromMilliseconds(Math.Min(5000, 100 << Math.Min(tries, 6)));
}
