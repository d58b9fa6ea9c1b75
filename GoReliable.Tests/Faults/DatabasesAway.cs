using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.Faults;

/// <summary>
/// Takes the services' databases away until it is disposed: nobody gets in, and whoever is in is thrown out. The server
/// itself goes on, because where it is a container its data would not survive a stop.
/// </summary>
internal sealed class DatabasesAway : IAsyncDisposable
{
    private static readonly string[] Names = ["orders-db", "notifications-db"];

    private readonly NpgsqlDataSource server;

    private DatabasesAway(NpgsqlDataSource server) => this.server = server;

    public static async Task<DatabasesAway> BeginAsync(GoReliablePlatform platform)
    {
        var connection = new NpgsqlConnectionStringBuilder(await platform.ConnectionStringAsync("orders-db")) { Database = "postgres" };
        var away = new DatabasesAway(NpgsqlDataSource.Create(connection));
        foreach (var name in Names)
            await away.ExecuteAsync($"ALTER DATABASE \"{name}\" WITH ALLOW_CONNECTIONS false");
        await away.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('orders-db', 'notifications-db')");
        return away;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var name in Names)
            await ExecuteAsync($"ALTER DATABASE \"{name}\" WITH ALLOW_CONNECTIONS true");
        await server.DisposeAsync();
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = server.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
