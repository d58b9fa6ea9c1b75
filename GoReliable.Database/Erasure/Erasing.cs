using Npgsql;

namespace GoReliable.Database.Erasure;

/// <summary>Erases rows a few at a time, so that nobody else has to wait for it.</summary>
public static class Erasing
{
    /// <summary>Executes a statement until it finds nothing any more.</summary>
    /// <remarks>
    /// The statement erases a bounded number of rows of the customer <c>$1</c>, by an index. What was erased stays
    /// erased when the operator hangs up.
    /// </remarks>
    /// <returns>How many rows.</returns>
    public static async Task<long> EraseAsync(
        this NpgsqlDataSource database,
        string sql,
        string customer,
        CancellationToken cancellationToken
    )
    {
        for (var erased = 0L; ; )
        {
            await using var command = database.CreateCommand(sql);
            command.Parameters.AddValue(customer);
            if (await command.ExecuteNonQueryAsync(cancellationToken) is var batch && batch == 0)
                return erased;
            erased += batch;
        }
    }
}
