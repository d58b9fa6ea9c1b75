using GoReliable.Database;
using GoReliable.Database.Schema;
using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Orders.Ordering;
using GoReliable.Orders.Outbox;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging.Abstractions;

namespace GoReliable.Tests.OnPlatform.Schema;

/// <summary>What is remembered for a time is forgotten after it, a little at a time and by an index.</summary>
[Collection(SharedPlatform.Name)]
public sealed class ExpiryTests(SharedPlatform shared)
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
    public async Task A_worker_remembers_events_for_the_retention_that_is_set()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await database.ExecuteAsync(
            "INSERT INTO inbox SELECT gen_random_uuid(), now() - interval '1 day' * n FROM generate_series(1, 6) AS n"
        );

        await using var worker = await ServiceProcess.StartAsync(
            "Notifications",
            ("ConnectionStrings__notifications-db", database.ConnectionString),
            ("ConnectionStrings__messaging", $"amqp://127.0.0.1:{ServiceProcess.FreePort()}"),
            ("Authentication__Schemes__Bearer__SigningKeys__0__Value", TokenIssuer.NewKey()),
            ("Email__From", "shop@example.com"),
            ("Email__Smtp__Host", "127.0.0.1"),
            ("Inbox__Retention", "3.12:00:00")
        );

        await worker.WaitForEventAsync("rows.expired");
        Assert.Equal(
            3,
            await database.ScalarAsync<long>(
                "SELECT count(*) FROM inbox WHERE received_at > now() - interval '3 days 12 hours'"
            )
        );
        Assert.Equal(3, await database.ScalarAsync<long>("SELECT count(*) FROM inbox"));
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
        await FillAsync(database, table, $"now() - interval '{days} days 1 hour'", 2500);
        await FillAsync(database, table, $"now() - interval '{days} days' + interval '1 hour'", 10);
        await FillAsync(database, other, "now() - interval '1 hour'", 10);

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
    [InlineData("Notifications", "notifications", "Notifications__Retention")]
    [InlineData("Notifications", "dead_letters", "DeadLetters__Retention")]
    [InlineData("Orders", "orders", "Orders__Retention")]
    public async Task A_service_keeps_rows_for_the_retention_that_is_set(string name, string table, string setting)
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, name);
        foreach (var days in new[] { 20, 30, 40, 50 })
            await FillAsync(database, table, $"now() - interval '{days} days'", 1);

        await using var service = await ServiceProcess.StartAsync(
            name,
            ("ConnectionStrings__orders-db", database.ConnectionString),
            ("ConnectionStrings__notifications-db", database.ConnectionString),
            ("ConnectionStrings__messaging", $"amqp://127.0.0.1:{ServiceProcess.FreePort()}"),
            ("Authentication__Schemes__Bearer__SigningKeys__0__Value", TokenIssuer.NewKey()),
            ("Email__From", "shop@example.com"),
            ("Email__Smtp__Host", "127.0.0.1"),
            (setting, "35.00:00:00")
        );

        var expired = Assert.Single(await service.WaitForEventAsync("rows.expired"));
        Assert.Equal((2, table), (expired.GetProperty("count").GetInt32(), expired.GetProperty("table").GetString()));
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

    [Fact]
    public async Task No_growing_table_is_scanned_whole_and_each_is_vacuumed_in_time()
    {
        await using var worker = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await worker.ExecuteAsync(
            "INSERT INTO inbox SELECT gen_random_uuid(), now() - interval '1 second' * n "
                + "FROM generate_series(1, 50000) AS n; ANALYZE inbox"
        );
        AssertByIndex(await worker.PlanAsync(Inbox.Expire, "now()"), "Index Scan using inbox_by_age");
        foreach (
            var (table, sql) in new[]
            {
                ("notifications", NotificationOptions.Expire),
                ("dead_letters", DeadLetterOptions.Expire),
            }
        )
        {
            await FillAsync(worker, table, "now() - interval '1 second' * n", 50000);
            AssertByIndex(await worker.PlanAsync(sql, "now()"), $"Index Scan using {table}_by_age");
        }
        AssertByIndex(
            await worker.PlanAsync(Inbox.Release, "ARRAY[gen_random_uuid(), gen_random_uuid()]"),
            "inbox_pkey"
        );
        AssertByIndex(
            await worker.PlanAsync(
                Inbox.Claim.Replace("$1", "$1::uuid[]", StringComparison.Ordinal),
                "ARRAY[gen_random_uuid(), gen_random_uuid()]"
            ),
            "Function Scan on unnest"
        );
        await worker.ExecuteAsync(
            "INSERT INTO leases SELECT gen_random_uuid(), gen_random_uuid(), now() FROM generate_series(1, 50000); "
                + "ANALYZE leases"
        );
        AssertByIndex(
            await worker.PlanAsync(
                Leases.Renew,
                "ARRAY[gen_random_uuid(), gen_random_uuid()], ARRAY[gen_random_uuid()]"
            ),
            "leases_pkey"
        );
        Assert.Equal(
            ["autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=2000"],
            await OptionsAsync(worker, "leases")
        );
        Assert.Equal(
            ["autovacuum_vacuum_scale_factor=0.01", "autovacuum_vacuum_threshold=10000"],
            await OptionsAsync(worker, "inbox")
        );

        await using var orders = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await orders.ExecuteAsync(
            "INSERT INTO idempotency_keys SELECT 'a', n::text, '', gen_random_uuid(), now() - interval '1 second' * n "
                + "FROM generate_series(1, 50000) AS n; ANALYZE idempotency_keys"
        );
        AssertByIndex(
            await orders.PlanAsync(IdempotencyOptions.Expire, "now()"),
            "Index Scan using idempotency_keys_by_age"
        );
        await FillAsync(orders, "orders", "now() - interval '1 second' * n", 50000);
        AssertByIndex(await orders.PlanAsync(OrderOptions.Expire, "now()"), "Index Scan using orders_pkey");
        await orders.ExecuteAsync(
            "INSERT INTO outbox (event_id, order_id, type, body, created_at) "
                + "SELECT gen_random_uuid(), gen_random_uuid(), 'order.created', '', now() "
                + "FROM generate_series(1, 50000)"
        );
        await orders.ExecuteAsync("VACUUM ANALYZE outbox");
        AssertByIndex(await orders.PlanAsync(OutboxSampler.Select, "100001"), "Index Scan using outbox_pkey");
        AssertByIndex(await orders.PlanAsync(OutboxReader.Select, "500, 0"), "Index Scan using outbox_pkey");
        AssertByIndex(await orders.PlanAsync(OutboxReader.Delete, "ARRAY[1::bigint, 2], NULL"), "outbox_pkey");

        // By number, not by share of a table that is mostly empty; at full speed, while a backlog drains; and bodies
        // too large for a row as well.
        string[] always =
        [
            "autovacuum_vacuum_cost_delay=0",
            "autovacuum_vacuum_insert_threshold=-1",
            "autovacuum_vacuum_scale_factor=0",
            "autovacuum_vacuum_threshold=2000",
        ];
        Assert.Equal(always, await OptionsAsync(orders, "outbox"));
        Assert.Equal(
            always,
            await OptionsAsync(orders, "(SELECT reltoastrelid FROM pg_class WHERE oid = 'outbox'::regclass)")
        );
        Assert.Equal(["fillfactor=90"], await OptionsAsync(orders, "orders"));
    }

    private static void AssertByIndex(string plan, string scan)
    {
        Assert.Contains(scan, plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
    }

    private static async Task<string[]> OptionsAsync(OwnDatabase database, string table) =>
        await database.ScalarAsync<string[]>(
            $"SELECT ARRAY(SELECT unnest(reloptions) FROM pg_class WHERE oid = "
                + $"{(table.StartsWith('(') ? table : $"'{table}'::regclass")} ORDER BY 1)"
        );

    private static Task FillAsync(OwnDatabase database, string table, string at, int rows) =>
        database.ExecuteAsync(
            $"""
        INSERT INTO {table switch
        {
            "orders" => "orders (id, customer_id, status, currency, items, total, created_at, updated_at, version)",
            "notifications" => "notifications (event_id, channel, order_id, customer_id, event_type, "
                + "attempts, accepted_at, sent_at)",
            "dead_letters" => "dead_letters (id, event_type, reason, attempts, redriven, dead_since, properties, body)",
            _ => table,
        }}
        SELECT {table switch
        {
            // A UUIDv7 of that time.
            "orders" => $"overlay(gen_random_uuid()::text PLACING overlay("
                + $"lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0') "
                + $"PLACING '-' FROM 9 FOR 0) FROM 1 FOR 13)::uuid, 'a', 'pending', 'EUR', '[]', 1, {at}, now(), 1",
            "notifications" => $"gen_random_uuid(), 'email', gen_random_uuid(), 'a', 'order.created', 1, now(), {at}",
            "dead_letters" => $"gen_random_uuid(), 'order.created', 'rejected', 1, 0, {at}, '', ''",
            "idempotency_keys" => $"'a', n::text, '', gen_random_uuid(), {at}",
            _ => $"gen_random_uuid(), {at}",
        }} FROM generate_series(1, {rows}) AS n;
        ANALYZE {table}
        """
        );

    private static ExpiredRows Expiry(OwnDatabase database) =>
        Expiry(database, "inbox", Inbox.Expire, new InboxOptions().Retention);

    private static ExpiredRows Expiry(OwnDatabase database, string table, string sql, TimeSpan retention)
    {
        var time = TimeProvider.System;
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
}
