using GoReliable.Database.Erasure;
using GoReliable.Notifications.Erasure;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Erasure;

/// <summary>A customer goes, and what the worker knows of events stays right.</summary>
[Collection(ServersOnly.Name)]
public sealed class EraseNotificationsTests(ServersOnly shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Notifications_stay_without_their_customer_and_only_the_customers_dead_letters_go()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        // More than are looked at in one go: five of these fill a page.
        await database.ExecuteAsync(
            """
            INSERT INTO notifications (event_id, channel, order_id, customer_id, event_type,
                attempts, accepted_at, sent_at)
            SELECT gen_random_uuid(), 'email', gen_random_uuid(),
                CASE n % 100 WHEN 0 THEN 'alice' ELSE 'alice' || n END, repeat('x', 1500), 1, now(), now()
            FROM generate_series(1, 6000) AS n
            """
        );
        await database.ExecuteAsync(
            """
            INSERT INTO inbox (event_id) SELECT event_id FROM notifications;
            INSERT INTO leases SELECT event_id, gen_random_uuid(), now() FROM notifications LIMIT 100
            """
        );
        await LetterAsync(database, """{"data":{"customerId":"alice","contactEmail":"alice@example.com"}}""", 1500);
        await LetterAsync(database, """ {"id":1, "data" : {"sku":"\n", "customerId" : "\u0061lice"} } """);
        await LetterAsync(database, """{"data":{"customerId":"alic"}}""");
        await LetterAsync(database, """{"data":{"customerId":"bob","note":"alice"},"customerId":"alice"}""");
        // Nobody can tell whose these are.
        await LetterAsync(database, """{"data":{"customerId":"alice","contactEmail":""");
        await LetterAsync(database, """{"data":{"customerId":"","contactEmail":"alice@example.com"}}""");
        await LetterAsync(database, """["alice"]""");
        await LetterAsync(database, """{"data":{"customerId":"alice","note":"\u0000"}}""");
        await LetterAsync(database, new string('[', 100_000));
        await LetterAsync(database, $$$"""{"data":{"customerId":"alice","note":"{{{new string('a', 2_000_000)}}}"}}""");
        await database.ExecuteAsync(
            "INSERT INTO dead_letters (id, event_type, reason, attempts, redriven, dead_since, properties, body) "
                + "VALUES (gen_random_uuid(), 'unknown', 'unreadable', 1, 0, now(), '', '\\xff00fe')"
        );
        const string Others =
            "SELECT md5(string_agg(event_id || customer_id || event_type, ',' ORDER BY event_id)) "
            + "FROM notifications WHERE customer_id NOT IN ('alice', 'erased customer')";
        const string Books =
            "SELECT (SELECT count(*) FROM notifications) || ' ' || (SELECT count(*) FROM inbox) || ' ' "
            + "|| (SELECT count(*) FROM leases)";
        var others = await database.ScalarAsync<string>(Others);

        Assert.Equal([(60, false), (1501, false), (7, true)], await EraseAsync(database));

        Assert.Equal(others, await database.ScalarAsync<string>(Others));
        Assert.Equal("6000 6000 100", await database.ScalarAsync<string>(Books));
        Assert.Equal(
            60,
            await database.ScalarAsync<long>(
                $"SELECT count(*) FROM notifications WHERE customer_id = '{ErasureReport.ErasedCustomer}'"
            )
        );
        Assert.Equal(9, await database.ScalarAsync<long>("SELECT count(*) FROM dead_letters"));
        Assert.Equal([(0, false), (0, false), (7, true)], await EraseAsync(database));
    }

    [Fact]
    public async Task Each_statement_reads_what_it_needs_and_no_more()
    {
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Notifications");
        await database.ExecuteAsync(
            """
            INSERT INTO dead_letters (id, event_type, reason, attempts, redriven, dead_since, properties, body)
            SELECT gen_random_uuid(), 'order.created', 'rejected', 1, 0, now(), '',
                convert_to('{"data":{"customerId":"c' || n || '"}}', 'UTF8') FROM generate_series(1, 20000) AS n;
            ANALYZE dead_letters
            """
        );

        var notifications = await database.PlanAsync(EraseCustomer.Notifications, "'alice', 0, 1000");
        Assert.Contains("Tid Range Scan", notifications, StringComparison.Ordinal);
        string[] ofLetters =
        [
            await database.PlanAsync(EraseCustomer.DeadLetters, "'alice'"),
            await database.PlanAsync(EraseCustomer.Unreadable, ""),
        ];
        Assert.All(ofLetters, plan =>
        {
            Assert.Contains("dead_letters_by_customer", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
        });
    }

    private static async Task<IEnumerable<(long, bool)>> EraseAsync(OwnDatabase database) =>
        (await EraseCustomer.EraseAsync(database.Source, "alice", Cancel)).Items.Select(item =>
            (item.Count, item.IsOpen)
        );

    private static Task LetterAsync(OwnDatabase database, string body, int times = 1) =>
        database.Source.RunAsync(
            """
            INSERT INTO dead_letters (id, event_type, reason, attempts, redriven, dead_since, properties, body)
            SELECT gen_random_uuid(), 'order.created', 'rejected', 1, 0, now(), '', convert_to($1, 'UTF8')
            FROM generate_series(1, $2)
            """,
            body,
            times
        );
}
