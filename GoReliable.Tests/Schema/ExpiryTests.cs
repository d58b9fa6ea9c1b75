using GoReliable.Notifications.Consuming;
using GoReliable.Orders.Ordering;
using GoReliable.Orders.Outbox;
using GoReliable.ServiceDefaults.Schema;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging.Abstractions;

namespace GoReliable.Tests.Schema;

/// <summary>What is remembered for a time is forgotten after it, a little at a time and by an index.</summary>
[Collection(SharedPlatform.Name)]
public sealed class ExpiryTests(SharedPlatform shared)
{
    private const string OldInbox = "INSERT INTO inbox SELECT gen_random_uuid(), now() - interval '8 days' FROM generate_series(1, 2500)";
    private const string NewInbox = "INSERT INTO inbox SELECT gen_random_uuid(), now() - interval '6 days' FROM generate_series(1, 10)";

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
    public async Task A_worker_remembers_for_as_long_as_it_is_told_to()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await database.ExecuteAsync("INSERT INTO inbox SELECT gen_random_uuid(), now() - interval '1 day' * n FROM generate_series(1, 6) AS n");

        await using var worker = await ServiceProcess.StartAsync("Notifications",
            ("ConnectionStrings__notifications-db", database.ConnectionString), ("ConnectionStrings__messaging", $"amqp://127.0.0.1:{ServiceProcess.FreePort()}"),
            ("Authentication__Schemes__Bearer__SigningKeys__0__Value", TokenIssuer.NewKey()), ("Email__From", "shop@example.com"), ("Email__Smtp__Host", "127.0.0.1"),
            ("Inbox__Retention", "3.12:00:00"));

        await worker.WaitForEventAsync("rows.expired");
        Assert.Equal(3, await database.ScalarAsync<long>("SELECT count(*) FROM inbox WHERE received_at > now() - interval '3 days 12 hours'"));
        Assert.Equal(3, await database.ScalarAsync<long>("SELECT count(*) FROM inbox"));
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

        var removed = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Expiry(database).RemoveAsync(TestContext.Current.CancellationToken)));

        Assert.Equal(2499, removed.Sum());
    }

    [Fact]
    public async Task No_table_that_grows_is_read_from_end_to_end_and_each_is_vacuumed_in_time()
    {
        await using var worker = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await worker.ExecuteAsync("INSERT INTO inbox SELECT gen_random_uuid(), now() - interval '1 second' * n FROM generate_series(1, 50000) AS n; ANALYZE inbox");
        AssertByIndex(await worker.PlanAsync(Inbox.Expire, "now()"), "Index Scan using inbox_by_age");
        AssertByIndex(await worker.PlanAsync(Inbox.Release, "ARRAY[gen_random_uuid(), gen_random_uuid()]"), "inbox_pkey");
        AssertByIndex(await worker.PlanAsync(Inbox.Claim.Replace("$1", "$1::uuid[]", StringComparison.Ordinal), "ARRAY[gen_random_uuid(), gen_random_uuid()]"), "Function Scan on unnest");
        await worker.ExecuteAsync("INSERT INTO leases SELECT gen_random_uuid(), gen_random_uuid(), now() FROM generate_series(1, 50000); ANALYZE leases");
        AssertByIndex(await worker.PlanAsync(Leases.Renew, "ARRAY[gen_random_uuid(), gen_random_uuid()], ARRAY[gen_random_uuid()]"), "leases_pkey");
        Assert.Equal(["autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=2000"], await OptionsAsync(worker, "leases"));
        Assert.Equal(["autovacuum_vacuum_scale_factor=0.01", "autovacuum_vacuum_threshold=10000"], await OptionsAsync(worker, "inbox"));

        await using var orders = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await orders.ExecuteAsync("INSERT INTO idempotency_keys SELECT 'a', n::text, '', gen_random_uuid(), now() - interval '1 second' * n FROM generate_series(1, 50000) AS n; ANALYZE idempotency_keys");
        AssertByIndex(await orders.PlanAsync(IdempotencyOptions.Expire, "now()"), "Index Scan using idempotency_keys_by_age");
        await orders.ExecuteAsync("INSERT INTO outbox (event_id, order_id, type, body, created_at) SELECT gen_random_uuid(), gen_random_uuid(), 'order.created', '', now() FROM generate_series(1, 50000)");
        await orders.ExecuteAsync("VACUUM ANALYZE outbox");
        AssertByIndex(await orders.PlanAsync(OutboxSampler.Select, "100001"), "Index Scan using outbox_pkey");
        AssertByIndex(await orders.PlanAsync(OutboxReader.Select, "500, 0"), "Index Scan using outbox_pkey");
        AssertByIndex(await orders.PlanAsync(OutboxReader.Delete, "ARRAY[1::bigint, 2]"), "outbox_pkey");

        // By number, not by share of a table that is mostly empty; at full speed, while a backlog drains; and bodies too large for a row as well.
        string[] always = ["autovacuum_vacuum_cost_delay=0", "autovacuum_vacuum_insert_threshold=-1", "autovacuum_vacuum_scale_factor=0", "autovacuum_vacuum_threshold=2000"];
        Assert.Equal(always, await OptionsAsync(orders, "outbox"));
        Assert.Equal(always, await OptionsAsync(orders, "(SELECT reltoastrelid FROM pg_class WHERE oid = 'outbox'::regclass)"));
        Assert.Equal(["fillfactor=90"], await OptionsAsync(orders, "orders"));
    }

    private static void AssertByIndex(string plan, string scan)
    {
        Assert.Contains(scan, plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
    }

    private static async Task<string[]> OptionsAsync(OwnDatabase database, string table) =>
        await database.ScalarAsync<string[]>($"SELECT ARRAY(SELECT unnest(reloptions) FROM pg_class WHERE oid = {(table.StartsWith('(') ? table : $"'{table}'::regclass")} ORDER BY 1)");

    private static ExpiredRows Expiry(OwnDatabase database)
    {
        var time = TimeProvider.System;
        var schema = new SchemaUpgrade(typeof(Inbox).Assembly, database.Source, NullLogger<SchemaUpgrade>.Instance, time);
        return new ExpiredRows("inbox", Inbox.Expire, () => new InboxOptions().Retention, database.Source, schema, NullLogger<ExpiredRows>.Instance, time);
    }
}
