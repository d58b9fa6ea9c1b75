using System.Collections.Concurrent;
using GoReliable.Tests.OnPlatform.Schema;
using Npgsql;

namespace GoReliable.Tests.Platform;

/// <summary>
/// An empty database with a service's tables, on a platform's server; no process but the test uses it.
/// </summary>
internal sealed class OwnDatabase : IAsyncDisposable
{
    // Copied, the tables are there at once; the migration is a process.
    private static readonly ConcurrentDictionary<(GoReliablePlatform, string), Lazy<Task<string>>> Templates = [];

    private OwnDatabase(string connectionString)
    {
        ConnectionString = connectionString;
        Source = NpgsqlDataSource.Create(connectionString);
    }

    public string ConnectionString { get; }

    public NpgsqlDataSource Source { get; }

    /// <param name="platform">Whose server it is on.</param>
    /// <param name="service"><c>Orders</c> or <c>Notifications</c>.</param>
    public static async Task<OwnDatabase> CreateAsync(GoReliablePlatform platform, string service)
    {
        var template = await Templates
            .GetOrAdd((platform, service), _ => new(() => MigrateAsync(platform, service)))
            .Value;
        return new OwnDatabase(await CreateAsync(platform, $"own_{Guid.NewGuid():n}", template));
    }

    private static async Task<string> MigrateAsync(GoReliablePlatform platform, string service)
    {
        var name = $"template_{service.ToLowerInvariant()}";
        var migration = await Migration.RunAsync(service, await CreateAsync(platform, name, "template1"));
        Assert.True(migration.ExitCode == 0, string.Join('\n', migration.Output));
        return name;
    }

    private static async Task<string> CreateAsync(GoReliablePlatform platform, string name, string template)
    {
        await using var server = await platform.DatabaseAsync("orders-db");
        await using var create = server.CreateCommand($"CREATE DATABASE {name} TEMPLATE {template}");
        await create.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return new NpgsqlConnectionStringBuilder(await platform.ConnectionStringAsync("orders-db"))
        {
            Database = name,
        }.ConnectionString;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        command.CommandTimeout = 120;
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    public Task<T> ScalarAsync<T>(string sql) => Source.ScalarAsync<T>(sql);

    /// <summary>Makes connections that are opened from now on read-only, or the opposite.</summary>
    /// <param name="value"><c>on</c> or <c>off</c>.</param>
    public Task ReadOnlyAsync(string value) =>
        ExecuteAsync(
            $"""
            ALTER DATABASE "{new NpgsqlConnectionStringBuilder(ConnectionString).Database}"
            SET default_transaction_read_only = {value}
            """
        );

    /// <summary>How PostgreSQL would execute a statement whose parameters it does not know.</summary>
    /// <param name="sql">With <c>$1</c>, <c>$2</c> …</param>
    /// <param name="arguments">Their values, as SQL.</param>
    public async Task<string> PlanAsync(string sql, string arguments)
    {
        await using var connection = await Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new($"PREPARE statement AS {sql}"),
                new("SET plan_cache_mode = force_generic_plan"),
                new($"EXPLAIN EXECUTE statement{(arguments.Length > 0 ? $"({arguments})" : "")}"),
            },
        };
        await using var row = await batch.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var lines = new List<string>();
        while (await row.ReadAsync(TestContext.Current.CancellationToken))
            lines.Add(row.GetString(0));
        return string.Join('\n', lines);
    }

    public ValueTask DisposeAsync() => Source.DisposeAsync();
}
