using Npgsql;

namespace GoReliable.ServiceDefaults.Schema;

/// <summary>What an error of PostgreSQL says about whom: https://www.postgresql.org/docs/current/errcodes-appendix.html</summary>
public static class DatabaseFailures
{
    // Not transient to Npgsql, since trying again at once does not help. What was asked is not to blame all the same.
    private static readonly HashSet<string> OfTheServer =
    [
        PostgresErrorCodes.ReadOnlySqlTransaction, // a standby, or a managed server that is full
        PostgresErrorCodes.InvalidPassword,
        PostgresErrorCodes.InvalidAuthorizationSpecification,
        PostgresErrorCodes.InsufficientPrivilege,
        PostgresErrorCodes.InvalidCatalogName, // being restored, as is
        PostgresErrorCodes.UndefinedTable,
    ];

    /// <summary>Whether the server cannot do its work now: away, restarting, full, slow, read-only, or not set up. Waiting helps, or an operator.</summary>
    public static bool IsOfTheServer(this NpgsqlException exception) => exception.IsTransient || OfTheServer.Contains(exception.SqlState ?? "");
}
