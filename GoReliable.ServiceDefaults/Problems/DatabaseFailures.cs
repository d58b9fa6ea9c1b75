using System.Data.Common;

namespace GoReliable.ServiceDefaults.Problems;

/// <summary>
/// Whose fault an error of a database is: https://www.postgresql.org/docs/current/errcodes-appendix.html
/// </summary>
public static class DatabaseFailures
{
    // The first two characters of SQLSTATE: data exceptions, and violations of integrity constraints.
    private const string DataExceptions = "22";
    private const string IntegrityViolations = "23";

    /// <summary>
    /// Whether the server cannot do its work now: away, restarting, full, slow, read-only, not set up, or told to
    /// cancel it. Waiting helps, or an operator does. Only errors of the values that it was given mean that a message
    /// or a request is wrong.
    /// </summary>
    public static bool IsServerFailure(this DbException exception) =>
        exception.SqlState is not { Length: 5 } state
        || !(
            state.StartsWith(DataExceptions, StringComparison.Ordinal)
            || state.StartsWith(IntegrityViolations, StringComparison.Ordinal)
        );
}
