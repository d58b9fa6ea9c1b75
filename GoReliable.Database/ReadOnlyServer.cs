using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Npgsql;

namespace GoReliable.Database;

/// <summary>Leaves a server that has become read-only, so that a failover is noticed at once.</summary>
public static class ReadOnlyServer
{
    /// <summary>
    /// Closes the pooled connections of a server that has become read-only: another one has taken over, and new
    /// connections may lead to it. Does nothing after any other failure.
    /// </summary>
    /// <param name="database">The one that failed.</param>
    /// <param name="exception">How it failed.</param>
    public static void LeaveReadOnlyServer(this NpgsqlDataSource database, Exception exception)
    {
        if (exception is PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction })
            database.Clear();
    }

    /// <summary>Does so after a request that failed. What the client is told is decided elsewhere.</summary>
    internal sealed class AfterRequests(NpgsqlDataSource database) : IExceptionHandler
    {
        public ValueTask<bool> TryHandleAsync(
            HttpContext httpContext,
            Exception exception,
            CancellationToken cancellationToken
        )
        {
            database.LeaveReadOnlyServer(exception);
            return new(false);
        }
    }
}
