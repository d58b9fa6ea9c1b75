using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>A database for one test on a platform's server, without a table or not even there.</summary>
internal static class EmptyDatabase
{
    /// <summary>One that is there.</summary>
    /// <returns>Its connection string.</returns>
    public static async Task<string> CreateAsync(GoReliablePlatform platform)
    {
        var database = await NameAsync(platform);
        await ExecuteAsync(platform, $"CREATE DATABASE {new NpgsqlConnectionStringBuilder(database).Database}");
        return database;
    }

    /// <summary>One that does not exist.</summary>
    /// <returns>Its connection string.</returns>
    public static async Task<string> NameAsync(GoReliablePlatform platform) =>
        new NpgsqlConnectionStringBuilder(await platform.ConnectionStringAsync("orders-db"))
        {
            Database = $"migrate_{Guid.NewGuid():n}",
        }.ConnectionString;

    /// <summary>Runs a statement on the server.</summary>
    public static async Task ExecuteAsync(GoReliablePlatform platform, string sql)
    {
        await using var server = await platform.DatabaseAsync("orders-db");
        await server.RunAsync(sql);
    }

    /// <summary>The tables of a database, by name.</summary>
    public static async Task<string[]> TablesAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        return await source.ScalarAsync<string[]>(
            "SELECT array_agg(table_name::text ORDER BY table_name) "
                + "FROM information_schema.tables WHERE table_schema = 'public'"
        );
    }
}
