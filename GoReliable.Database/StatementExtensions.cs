using Npgsql;

namespace GoReliable.Database;

/// <summary>What many statements need.</summary>
public static class StatementExtensions
{
    /// <summary>Adds a value as the next of <c>$1</c>, <c>$2</c>, …; its type says how it is sent.</summary>
    public static void AddValue<T>(this NpgsqlParameterCollection all, T value) =>
        all.Add(new NpgsqlParameter<T> { TypedValue = value });

    /// <summary>Executes a statement that gives one number.</summary>
    public static async Task<long> NumberAsync(
        this NpgsqlDataSource database,
        string sql,
        CancellationToken cancellationToken
    )
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
