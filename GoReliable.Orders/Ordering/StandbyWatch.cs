using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>
/// Notices a commit that the synchronous standby, if there is one, does not have: when a statement is cancelled while it
/// waits for the standby, PostgreSQL only warns and reports success.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION-HA</remarks>
internal sealed class StandbyWatch
{
    private bool isMissing;

    /// <summary>Watches what comes next on the connection.</summary>
    public StandbyWatch(NpgsqlConnection connection) =>
        // The warning has no code of its own, and its text has the server's language.
        connection.Notice += (_, warning) => isMissing |= warning.Notice.Routine == "SyncRepWaitForLSN";

    /// <summary>After the commit.</summary>
    /// <exception cref="NpgsqlException">The standby does not have it.</exception>
    public void ThrowIfMissing()
    {
        if (isMissing)
            throw new NpgsqlException(
                "No synchronous standby has confirmed the commit in time",
                new TimeoutException()
            );
    }
}
