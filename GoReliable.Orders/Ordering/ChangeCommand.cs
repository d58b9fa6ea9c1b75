using System.Data.Common;
using GoReliable.ServiceDefaults.Problems;
using Npgsql;

namespace GoReliable.Orders.Ordering;

/// <summary>Changes that a client must not repeat blindly.</summary>
internal static class ChangeCommand
{
    /// <summary>Runs one statement on an open connection.</summary>
    /// <returns>The number of rows.</returns>
    /// <exception cref="PostgresException">The server refused: nothing is changed.</exception>
    /// <exception cref="OutcomeUnknownException">It did not answer: something may be changed.</exception>
    public static async Task<int> ExecuteChangeAsync(this NpgsqlCommand command)
    {
        try
        {
            return await command.ExecuteNonQueryAsync(CancellationToken.None);
        }
        catch (DbException exception) when (exception is not PostgresException)
        {
            throw new OutcomeUnknownException(exception);
        }
    }
}
