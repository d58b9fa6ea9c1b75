using GoReliable.Notifications.Consuming;
using GoReliable.Orders.Ordering;
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

        Assert.Equal(2500, await Expiry(database).RemoveAsync(TestContext.Current.CancellationToken));
        Assert.Equal(10, await database.ScalarAsync<long>("SELECT count(*) FROM inbox"));
        Assert.Equal(0, await Expiry(database).RemoveAsync(TestContext.Current.CancellationToken));
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
    public async Task No_table_is_read_from_end_to_end_to_remove_rows()
    {
        await using var inbox = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await inbox.ExecuteAsync("INSERT INTO inbox SELECT gen_random_uuid(), now() - interval '1 second' * n FROM generate_series(1, 50000) AS n; ANALYZE inbox");
        AssertByIndex(await inbox.PlanAsync(Inbox.Expire, "now()"), "inbox_by_age");

        await using var keys = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await keys.ExecuteAsync("INSERT INTO idempotency_keys SELECT 'a', n::text, '', gen_random_uuid(), now() - interval '1 second' * n FROM generate_series(1, 50000) AS n; ANALYZE idempotency_keys");
        AssertByIndex(await keys.PlanAsync(IdempotencyOptions.Expire, "now()"), "idempotency_keys_by_age");
    }

    private static void AssertByIndex(string plan, string index)
    {
        Assert.Contains($"using {index}", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
    }

    private static ExpiredRows Expiry(OwnDatabase database)
    {
        var time = TimeProvider.System;
        var schema = new SchemaUpgrade(typeof(Inbox).Assembly, database.Source, NullLogger<SchemaUpgrade>.Instance, time);
        return new ExpiredRows("inbox", Inbox.Expire, () => new InboxOptions().Retention, database.Source, schema, NullLogger<ExpiredRows>.Instance, time);
    }
}
