using Npgsql;

namespace GoReliable.Database.Schema;

/// <summary>
/// Creates a service's database where nothing else does: azd deploys a server and no databases in it.
/// </summary>
/// <remarks>https://github.com/microsoft/aspire/issues/14695</remarks>
internal static class MissingDatabase
{
    // Every server has it, and every user may connect to it, unless that right was removed.
    private const string MaintenanceDatabase = "postgres";

    /// <summary>Creates the database that a data source is for.</summary>
    /// <returns>Its name, or null when another process was faster.</returns>
    /// <exception cref="InvalidOperationException">
    /// It could not be created; the message says what an operator does.
    /// </exception>
    public static async Task<string?> CreateAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        var settings = new NpgsqlConnectionStringBuilder(source.ConnectionString);
        // What Npgsql takes where the connection string names none.
        var owner = settings.Username ?? Environment.GetEnvironmentVariable("PGUSER") ?? Environment.UserName;
        var database = settings.Database ?? owner;
        var (name, user) = (Quoted(database), Quoted(owner));
        (settings.Database, settings.Pooling) = (MaintenanceDatabase, false);
        try
        {
            await using var unopened = source.CreateConnection();
            // The clone keeps the password, which the data source does not reveal.
            await using var server = unopened.CloneWith(settings.ConnectionString);
            await server.OpenAsync(cancellationToken);
            await using var create = new NpgsqlCommand($"CREATE DATABASE {name}", server);
            await create.ExecuteNonQueryAsync(cancellationToken);
            return database;
        }
        // A unique violation, where two processes did it at the same moment.
        catch (PostgresException exists)
            when (exists.SqlState is PostgresErrorCodes.DuplicateDatabase or PostgresErrorCodes.UniqueViolation)
        {
            return null;
        }
        catch (NpgsqlException exception)
        {
            var reason = (exception as PostgresException)?.MessageText ?? exception.Message;
            throw new InvalidOperationException(
                $"Database {name} does not exist, and this service could not create it ({reason}). "
                    + $"An administrator can run: CREATE DATABASE {name} OWNER {user}",
                exception
            );
        }
    }

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
