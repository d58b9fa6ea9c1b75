using Npgsql;

namespace GoReliable.Database;

/// <summary>What many statements need.</summary>
public static class StatementExtensions
{
    /// <summary>Adds a value as the next of <c>$1</c>, <c>$2</c>, …; its type says how it is sent.</summary>
    public static void AddValue<T>(this NpgsqlParameterCollection all, T value) =>
        all.Add(new NpgsqlParameter<T> { TypedValue = value });

    /// <summary>A column of rows, for <c>unnest</c>.</summary>
    public static NpgsqlParameter<T[]> Column<TRow, T>(this IReadOnlyCollection<TRow> rows, Func<TRow, T> value) =>
        new() { TypedValue = [.. rows.Select(value)] };

    /// <summary>Executes a statement that gives one number.</summary>
    public static async Task<long> NumberAsync(
        this NpgsqlDataSource database,
        string sql,
        CancellationToken cancellationToken,
        string? parameter = null
    )
    {
        await using var command = database.CreateCommand(sql);
        if (parameter is not null)
            command.Parameters.AddValue(parameter);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>
    /// Executes a statement until it finds nothing any more. It changes a bounded number of rows, by an index, so that
    /// nobody else has to wait for it. What was done stays done when it is cancelled.
    /// </summary>
    /// <returns>How many rows.</returns>
    public static async Task<long> ExecuteInBatchesAsync<T>(
        this NpgsqlDataSource database,
        string sql,
        T parameter,
        CancellationToken cancellationToken,
        Func<Task>? pause = null
    )
    {
        for (var rows = 0L; ; )
        {
            await using var command = database.CreateCommand(sql);
            command.Parameters.AddValue(parameter);
            if (await command.ExecuteNonQueryAsync(cancellationToken) is var batch && batch == 0)
                return rows;
            rows += batch;
            if (pause is not null)
                await pause();
        }
    }
}
