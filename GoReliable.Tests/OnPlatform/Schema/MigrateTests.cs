using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>A database that nobody created gets its tables. MigrationLimitTests give the argument <c>migrate</c>.</summary>
[Collection(ServersOnly.Name)]
public sealed class MigrateTests(ServersOnly shared)
{
    [Fact]
    public async Task Of_several_replicas_one_creates_the_database_and_its_tables()
    {
        var database = await EmptyDatabase.NameAsync(shared.Platform);
        await using var one = new Replica(database, Replica.Orders);
        await using var two = new Replica(database, Replica.Orders);
        await using var three = new Replica(database, Replica.Orders);

        await Task.WhenAll(one.UpgradeAsync(), two.UpgradeAsync(), three.UpgradeAsync());

        Assert.Equal(
            ["idempotency_keys", "orders", "outbox", "outbox_set_aside", "schemaversions"],
            await EmptyDatabase.TablesAsync(database)
        );
        string?[] events = [.. one.Events, .. two.Events, .. three.Events];
        Assert.Single(events, "schema.database_created");
        // A script that ran twice would have failed.
        Assert.Equal(3, events.Count(name => name == "schema.upgraded"));
        Assert.DoesNotContain("schema.failed", events);
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
        await using var replica = new Replica(database, Replica.Notifications);

        var upgrading = replica.UpgradeAsync();
        await Poll.UntilAsync(
            "what it needs",
            () => Task.FromResult(replica.Schema.NotReadyBecause),
            reason =>
                reason
                == $"Database \"{name}\" does not exist, and this service could not create it "
                    + "(permission denied to create database). "
                    + $"An administrator can run: CREATE DATABASE \"{name}\" OWNER \"{name}\""
        );
        await EmptyDatabase.ExecuteAsync(shared.Platform, $"CREATE DATABASE \"{name}\" OWNER \"{name}\"");
        await upgrading;

        Assert.Equal(
            ["dead_letters", "inbox", "leases", "notifications", "schemaversions", "suspects"],
            await EmptyDatabase.TablesAsync(database)
        );
        Assert.Equal(["schema.unavailable", "schema.upgraded"], replica.Events);
    }
}
