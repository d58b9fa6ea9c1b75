using System.Net;
using System.Net.Sockets;
using GoReliable.Tests.Files.Manifest;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>
/// The argument <c>migrate</c>, as an init container gives it: real processes, and an empty database for each test.
/// </summary>
[Collection(SharedPlatform.Name)]
public sealed class MigrateTests(SharedPlatform shared)
{
    private static readonly string[] OrdersTables =
    [
        "idempotency_keys",
        "orders",
        "outbox",
        "outbox_set_aside",
        "schemaversions",
    ];
    private static readonly string[] NotificationsTables =
    [
        "dead_letters",
        "inbox",
        "leases",
        "notifications",
        "schemaversions",
        "suspects",
    ];

    public static TheoryData<string, string[]> Services =>
        new() { { "Orders", OrdersTables }, { "Notifications", NotificationsTables } };

    [Theory, MemberData(nameof(Services))]
    public async Task An_empty_database_gets_its_tables_once(string service, string[] tables)
    {
        var database = await UnusedAsync();
        await CreateAsync(database);

        Assert.Equal(Scripts(service), Applied(await Migration.RunAsync(service, database)));
        Assert.Equal(tables, await TablesAsync(database));

        Assert.Equal(0, Applied(await Migration.RunAsync(service, database)));
        Assert.Equal(tables, await TablesAsync(database));
    }

    [Fact]
    public async Task Of_several_processes_one_migrates_and_the_others_find_nothing_to_do()
    {
        var database = await UnusedAsync();
        await CreateAsync(database);

        var all = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Migration.RunAsync("Orders", database)));

        Assert.Equal([0, 0, Scripts("Orders")], all.Select(Applied).Order());
        Assert.Equal(OrdersTables, await TablesAsync(database));
    }

    [Fact]
    public async Task A_missing_database_is_created_by_the_first_process()
    {
        var database = await UnusedAsync();

        var all = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Migration.RunAsync("Orders", database)));

        Assert.Equal([0, 0, Scripts("Orders")], all.Select(Applied).Order());
        Assert.Equal(OrdersTables, await TablesAsync(database));
        var name = new NpgsqlConnectionStringBuilder(database).Database;
        Assert.Equal(
            name,
            Assert
                .Single(all.SelectMany(migration => migration.Events("schema.database_created")))
                .GetProperty("database")
                .GetString()
        );
    }

    [Fact]
    public async Task A_service_that_may_not_create_its_database_says_what_it_needs_and_waits()
    {
        var name = $"migrate-{Guid.NewGuid():n}";
        await ExecuteAsync($"CREATE ROLE \"{name}\" LOGIN PASSWORD 'guest'");
        var database = new NpgsqlConnectionStringBuilder(await UnusedAsync())
        {
            Database = name,
            Username = name,
            Password = "guest",
        }.ConnectionString;

        var migration = await Migration.RunAsync("Notifications", database, whenUnavailable: () =>
            ExecuteAsync($"CREATE DATABASE \"{name}\" OWNER \"{name}\"")
        );

        Assert.Equal(Scripts("Notifications"), Applied(migration));
        Assert.Equal(NotificationsTables, await TablesAsync(database));
        Assert.Equal(
            $"Database \"{name}\" does not exist, and this service could not create it "
                + "(permission denied to create database). "
                + $"An administrator can run: CREATE DATABASE \"{name}\" OWNER \"{name}\"",
            Assert.Single(migration.Events("schema.unavailable")).GetProperty("reason").GetString()
        );
    }

    [Fact]
    public async Task A_migration_statement_may_take_longer_than_a_request()
    {
        var database = await UnusedAsync();
        await CreateAsync(database);
        await using var source = NpgsqlDataSource.Create(database);
        await using var blocker = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await blocker.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var block = new NpgsqlCommand("CREATE TABLE inbox ()", blocker, transaction);
        await block.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var running = Migration.RunAsync("Notifications", database);
        await Poll.UntilAsync(
            "a statement that has waited for 7 seconds",
            () => WaitingAsync(source),
            waiting => waiting > TimeSpan.FromSeconds(7)
        );
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);

        var migration = await running;
        Assert.Equal(Scripts("Notifications"), Applied(migration));
        Assert.Empty(migration.Events("schema.failed"));
    }

    [Fact]
    public async Task The_lock_is_held_for_as_long_as_a_script_takes()
    {
        var database = await UnusedAsync();
        await CreateAsync(database);
        await using var source = NpgsqlDataSource.Create(database);
        await using var blocker = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await blocker.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var block = new NpgsqlCommand("CREATE TABLE inbox ()", blocker, transaction);
        await block.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        // The server ends a session that sits in a transaction after a second, instead of the usual minute.
        const string Options = "-c idle_in_transaction_session_timeout=1s";
        var first = Migration.RunAsync(
            "Notifications",
            new NpgsqlConnectionStringBuilder(database)
            {
                Options = Options,
                ApplicationName = "first",
            }.ConnectionString
        );
        await Poll.UntilAsync(
            "a statement that has waited for 3 seconds",
            () => WaitingAsync(source),
            waiting => waiting > TimeSpan.FromSeconds(3)
        );
        var second = Migration.RunAsync(
            "Notifications",
            new NpgsqlConnectionStringBuilder(database)
            {
                Options = Options,
                ApplicationName = "second",
            }.ConnectionString
        );
        var doing = await Poll.UntilAsync(
            "the second one, which has asked for the lock",
            () => SecondAsync(source),
            state => state is not null
        );
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);

        Assert.Equal("refused", doing);
        Assert.Equal([0, Scripts("Notifications")], (await Task.WhenAll(first, second)).Select(Applied).Order());
        Assert.Empty((await first).Events("schema.failed").Concat((await second).Events("schema.failed")));
    }

    [Theory]
    [InlineData(
        "120",
        "Migration:Timeout is 120.00:00:00, but must be from 00:00:01 to 01:00:00 "
            + "(hours:minutes:seconds; a number alone means days)."
    )]
    [InlineData(
        "2min",
        "Migration:Timeout is '2min', but must be from 00:00:01 to 01:00:00 "
            + "(hours:minutes:seconds; a number alone means days)."
    )]
    public async Task A_wrong_timeout_is_reported_in_one_line(string timeout, string sentence) =>
        Assert.Equal(
            1,
            (
                await Migration.RunAsync(
                    "Orders",
                    "Host=127.0.0.1",
                    [("Migration__Timeout", timeout)],
                    errors: sentence
                )
            ).ExitCode
        );

    [Theory]
    [InlineData("Orders")]
    [InlineData("Notifications")]
    public async Task Without_a_database_migration_gives_up_and_says_why_in_one_line(string service)
    {
        var nobody = ServiceProcess.FreePort();

        var migration = await Migration.RunAsync(
            service,
            $"Host=127.0.0.1;Port={nobody};Database=none;Username=none;Password=none",
            [("Migration__Timeout", "00:00:02")]
        );

        Assert.Equal(1, migration.ExitCode);
        var end = Assert.Single(migration.Events("schema.given_up"));
        Assert.Equal("ERROR", end.GetProperty("severity").GetString());
        Assert.Equal(
            $"Schema could not be upgraded within 00:00:02: Failed to connect to 127.0.0.1:{nobody}",
            end.GetProperty("message").GetString()
        );
        // The only other line says at once what it waits for.
        Assert.Single(migration.Events("schema.unavailable"));
        Assert.Equal(2, migration.Output.Count);
    }

    [Fact]
    public async Task Migration_opens_no_port_and_calls_no_broker()
    {
        var database = await UnusedAsync();
        await CreateAsync(database);
        using var port = Listen();
        using var managementPort = Listen();
        using var broker = Listen();

        // A server would fail here, on ports that are taken.
        var migration = await Migration.RunAsync(
            "Notifications",
            database,
            [
                ("ASPNETCORE_URLS", $"http://{port.LocalEndpoint}"),
                ("MANAGEMENT_PORT", $"{((IPEndPoint)managementPort.LocalEndpoint).Port}"),
                ("ConnectionStrings__messaging", $"amqp://guest:guest@{broker.LocalEndpoint}"),
            ]
        );

        Assert.Equal(Scripts("Notifications"), Applied(migration));
        Assert.False(broker.Pending());
    }

    private static int Scripts(string service) =>
        Directory.GetFiles(Path.Combine(AppHostRun.Repository, $"GoReliable.{service}", "Schema"), "*.sql").Length;

    private static int Applied(Migration migration)
    {
        Assert.True(migration.ExitCode == 0, string.Join('\n', migration.Output));
        return Assert.Single(migration.Events("schema.upgraded")).GetProperty("applied").GetInt32();
    }

    // The platform's server, and a database that does not exist.
    private async Task<string> UnusedAsync() =>
        new NpgsqlConnectionStringBuilder(await shared.Platform.ConnectionStringAsync("orders-db"))
        {
            Database = $"migrate_{Guid.NewGuid():n}",
        }.ConnectionString;

    private Task CreateAsync(string database) =>
        ExecuteAsync($"CREATE DATABASE {new NpgsqlConnectionStringBuilder(database).Database}");

    private async Task ExecuteAsync(string sql)
    {
        await using var server = await shared.Platform.DatabaseAsync("orders-db");
        await using var command = server.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<List<string>> TablesAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name"
        );
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var tables = new List<string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            tables.Add(reader.GetString(0));
        return tables;
    }

    private static async Task<TimeSpan> WaitingAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand(
            "SELECT coalesce(max(now() - query_start), interval '0') "
                + "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        );
        return (TimeSpan)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    // What became of the second one's first attempt.
    private static async Task<string?> SecondAsync(NpgsqlDataSource source)
    {
        await using var command = source.CreateCommand(
            """
            SELECT CASE WHEN wait_event_type = 'Lock' THEN 'runs a script'
                WHEN state = 'idle' AND query LIKE '%pg_try_advisory%' THEN 'refused' END
            FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'second'
            ORDER BY 1 DESC NULLS LAST LIMIT 1
            """
        );
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) as string;
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }
}
