using GoReliable.Database;
using GoReliable.Database.Schema;
using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Orders.Ordering;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging.Abstractions;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>What is remembered for a time is forgotten after it, a little at a time and by an index.</summary>
[Collection(ServersOnly.Name)]
public sealed class ExpiryTests(ServersOnly shared)
{
    private const string OldInbox =
        "INSERT INTO inbox SELECT gen_random_uuid(), now() - interval '8 days' FROM generate_series(1, 2500)";
    private const string NewInbox =
        "INSERT INTO inbox SELECT gen_random_uuid(), now() - interval '6 days' FROM generate_series(1, 10)";

    [Fact]
    public async Task Old_rows_go_and_new_ones_stay()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await database.ExecuteAsync(OldInbox);
        await database.ExecuteAsync(NewInbox);

        await database.ExecuteAsync(Inbox.Expire.Replace("$1", "now() - interval '7 days'", StringComparison.Ordinal));
        Assert.Equal(1510, await database.ScalarAsync<long>("SELECT count(*) FROM inbox"));
        Assert.Equal(1500, await Expiry(database).RemoveAsync(TestContext.Current.CancellationToken));
        Assert.Equal(10, await database.ScalarAsync<long>("SELECT count(*) FROM inbox"));
        Assert.Equal(0, await Expiry(database).RemoveAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_run_ends_although_more_becomes_too_old_meanwhile()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await database.ExecuteAsync(OldInbox);
        await database.ExecuteAsync(NewInbox);
        var expiry = Expiry(database, "inbox", Inbox.Expire, new InboxOptions().Retention, new DaysTime());

        Assert.Equal(2500, await expiry.RemoveAsync(TestContext.Current.CancellationToken));
        Assert.Equal(10, await database.ScalarAsync<long>("SELECT count(*) FROM inbox"));
    }

    [Theory]
    [InlineData("orders", "idempotency_keys", 3653)]
    [InlineData("notifications", "inbox", 365)]
    [InlineData("dead_letters", "inbox", 90)]
    public async Task Rows_with_personal_data_are_kept_for_their_retention_and_no_longer(
        string table,
        string other,
        int days
    )
    {
        await using var database = await OwnDatabase.CreateAsync(
            shared.Platform,
            table == "orders" ? "Orders" : "Notifications"
        );
        await database.FillAsync(table, $"now() - interval '{days} days 1 hour'", 2500);
        await database.FillAsync(table, $"now() - interval '{days} days' + interval '1 hour'", 10);
        await database.FillAsync(other, "now() - interval '1 hour'", 10);

        var (sql, retention) = table switch
        {
            "orders" => (OrderOptions.Expire, new OrderOptions().Retention),
            "notifications" => (NotificationOptions.Expire, new NotificationOptions().Retention),
            _ => (DeadLetterOptions.Expire, new DeadLetterOptions().Retention),
        };
        await database.ExecuteAsync(sql.Replace("$1", $"(now() - interval '{days} days')", StringComparison.Ordinal));
        Assert.Equal(1510, await database.ScalarAsync<long>($"SELECT count(*) FROM {table}"));
        Assert.Equal(
            1500,
            await Expiry(database, table, sql, retention).RemoveAsync(TestContext.Current.CancellationToken)
        );
        Assert.Equal(10, await database.ScalarAsync<long>($"SELECT count(*) FROM {table}"));
        Assert.Equal(10, await database.ScalarAsync<long>($"SELECT count(*) FROM {other}"));
    }

    [Theory]
    [InlineData("Notifications", "Notifications notifications", "DeadLetters dead_letters", "Inbox inbox")]
    [InlineData("Orders", "Orders orders")]
    public async Task A_service_keeps_rows_for_the_retention_that_is_set(string name, params string[] sections)
    {
        var settings = sections.Select(section => section.Split(' ')).ToDictionary(pair => pair[1], pair => pair[0]);
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, name);
        foreach (var table in settings.Keys)
        {
            foreach (var days in new[] { 20, 30, 40, 50 })
                await database.FillAsync(table, $"now() - interval '{days} days'", 1);
        }

        await using var service = await ServiceProcess.StartAsync(
            name,
            [
                ("ConnectionStrings__orders-db", database.ConnectionString),
                ("ConnectionStrings__notifications-db", database.ConnectionString),
                ("ConnectionStrings__messaging", $"amqp://127.0.0.1:{ServiceProcess.FreePort()}"),
                ("Authentication__Schemes__Bearer__SigningKeys__0__Value", TokenIssuer.NewKey()),
                ("Email__From", "shop@example.com"),
                ("Email__Smtp__Host", "127.0.0.1"),
                .. settings.Values.Select(section => ($"{section}__Retention", "35.00:00:00")),
            ]
        );

        var expired = await Poll.UntilAsync(
            "each table's old rows gone",
            () => Task.FromResult(service.Events("rows.expired")),
            events => events.Count == settings.Count
        );
        Assert.Equal(
            settings.Keys.Select(table => (table, 2)).Order(),
            expired.Select(one => (one.GetProperty("table").GetString()!, one.GetProperty("count").GetInt32())).Order()
        );
        foreach (var table in settings.Keys)
            Assert.Equal(2, await database.ScalarAsync<long>($"SELECT count(*) FROM {table}"));
    }

    [Fact]
    public async Task Replicas_share_the_work_and_do_not_wait_for_each_other()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await database.ExecuteAsync(OldInbox);
        // Somebody holds one of them, and does not let go.
        await using var other = await database.Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await other.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var hold = new Npgsql.NpgsqlCommand("SELECT 1 FROM inbox LIMIT 1 FOR UPDATE", other, transaction);
        await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var removed = await Task.WhenAll(
            Enumerable.Range(0, 3).Select(_ => Expiry(database).RemoveAsync(TestContext.Current.CancellationToken))
        );

        Assert.Equal(2499, removed.Sum());
    }

    private static ExpiredRows Expiry(OwnDatabase database) =>
        Expiry(database, "inbox", Inbox.Expire, new InboxOptions().Retention);

    private static ExpiredRows Expiry(
        OwnDatabase database,
        string table,
        string sql,
        TimeSpan retention,
        TimeProvider? own = null
    )
    {
        var time = own ?? TimeProvider.System;
        var schema = new SchemaUpgrade(
            typeof(Inbox).Assembly,
            database.Source,
            NullLogger<SchemaUpgrade>.Instance,
            time
        );
        return new ExpiredRows(
            table,
            sql,
            () => retention,
            database.Source,
            schema,
            NullLogger<ExpiredRows>.Instance,
            time
        );
    }

    // A day has passed each time somebody looks.
    private sealed class DaysTime : TimeProvider
    {
        private int days;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddDays(days++);
    }
}
