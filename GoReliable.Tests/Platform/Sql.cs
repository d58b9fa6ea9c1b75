using Npgsql;

namespace GoReliable.Tests.Platform;

/// <summary>One statement on a connection of its own.</summary>
internal static class Sql
{
    /// <summary>Its one value.</summary>
    /// <param name="database">Where.</param>
    /// <param name="sql">With <c>$1</c>, <c>$2</c> …</param>
    /// <param name="parameters">Their values.</param>
    public static async Task<T> ScalarAsync<T>(this NpgsqlDataSource database, string sql, params object[] parameters)
    {
        await using var command = database.CreateCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.AddWithValue(parameter);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    /// <summary>Runs it.</summary>
    public static async Task RunAsync(this NpgsqlDataSource database, string sql, params object[] parameters)
    {
        await using var command = database.CreateCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.AddWithValue(parameter);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
