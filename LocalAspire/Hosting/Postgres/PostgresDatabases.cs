using Aspire.Hosting.ApplicationModel;
using Npgsql;

namespace Aspire.Hosting.Postgres;

internal static class PostgresDatabases
{
    /// <summary>Creates the databases that do not exist yet.</summary>
    public static async Task CreateAsync(PostgresServerResource server, CancellationToken cancellationToken)
    {
        IResourceWithConnectionString withConnectionString = server;
        await using var connection = new NpgsqlConnection($"{await withConnectionString.GetConnectionStringAsync(cancellationToken)};Database=postgres;Pooling=false");
        await connection.OpenAsync(cancellationToken);

        foreach (var name in server.Databases.Values)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = $"CREATE DATABASE \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
            try
            {
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DuplicateDatabase)
            {
                // Kept from an earlier run.
            }
        }
    }
}
