using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>
/// The argument <c>migrate</c>, as an init container gives it: real processes, and an empty database for each test.
/// </summary>
[Collection(ServersOnly.Name)]
public sealed class MigrateTests(ServersOnly shared)
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
        var database = await EmptyDatabase.CreateAsync(shared.Platform);

        Assert.Equal(Migration.Scripts(service), (await Migration.RunAsync(service, database)).Applied());
        Assert.Equal(tables, await EmptyDatabase.TablesAsync(database));

        Assert.Equal(0, (await Migration.RunAsync(service, database)).Applied());
        Assert.Equal(tables, await EmptyDatabase.TablesAsync(database));
    }

    [Fact]
    public async Task Of_several_processes_one_creates_the_database_and_migrates_and_the_others_find_nothing_to_do()
    {
        var database = await EmptyDatabase.NameAsync(shared.Platform);

        var all = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Migration.RunAsync("Orders", database)));

        Assert.Equal([0, 0, Migration.Scripts("Orders")], all.Select(migration => migration.Applied()).Order());
        Assert.Equal(OrdersTables, await EmptyDatabase.TablesAsync(database));
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
        await EmptyDatabase.ExecuteAsync(shared.Platform, $"CREATE ROLE \"{name}\" LOGIN PASSWORD 'guest'");
        var database = new NpgsqlConnectionStringBuilder(await EmptyDatabase.NameAsync(shared.Platform))
        {
            Database = name,
            Username = name,
            Password = "guest",
        }.ConnectionString;

        var migration = await Migration.RunAsync("Notifications", database, whenUnavailable: () =>
            EmptyDatabase.ExecuteAsync(shared.Platform, $"CREATE DATABASE \"{name}\" OWNER \"{name}\"")
        );

        Assert.Equal(Migration.Scripts("Notifications"), migration.Applied());
        Assert.Equal(NotificationsTables, await EmptyDatabase.TablesAsync(database));
        Assert.Equal(
            $"Database \"{name}\" does not exist, and this service could not create it "
                + "(permission denied to create database). "
                + $"An administrator can run: CREATE DATABASE \"{name}\" OWNER \"{name}\"",
            Assert.Single(migration.Events("schema.unavailable")).GetProperty("reason").GetString()
        );
    }
}
