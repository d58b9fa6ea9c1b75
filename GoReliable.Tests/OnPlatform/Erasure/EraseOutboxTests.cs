using GoReliable.Orders.Erasure;
using GoReliable.Orders.Ordering;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Erasure;

/// <summary>A customer goes who has events that are still to be published.</summary>
[Collection(ServersOnly.Name)]
public sealed class EraseOutboxTests(ServersOnly shared)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Events_in_the_outbox_stay_as_they_are_and_are_counted_until_published()
    {
        // Some of these characters are written otherwise in JSON.
        const string Customer = "auth0|a+b<c>'\"\\";
        await using var database = await OwnDatabase.CreateAsync(shared.Platform, "Orders");
        await InsertAsync(database, Customer, 6000);
        await InsertAsync(database, $"x{Customer}", 3);
        await InsertAsync(database, Customer, 3);
        await database.ExecuteAsync(
            "INSERT INTO outbox (event_id, order_id, type, body, created_at) "
                + "VALUES (gen_random_uuid(), gen_random_uuid(), 'order.created', '\\xff00', now())"
        );
        const string Books = "SELECT md5(string_agg(id || order_id::text || md5(body), ',' ORDER BY id)) FROM outbox";
        var before = await database.ScalarAsync<string>(Books);

        Assert.Equal([(6003, false), (6003, true), (0, false)], await EraseAsync(database, Customer));
        Assert.Equal(before, await database.ScalarAsync<string>(Books));
        Assert.Equal([(0, false), (6003, true), (0, false)], await EraseAsync(database, Customer));

        await database.ExecuteAsync("DELETE FROM outbox WHERE id <= 6000");
        Assert.Equal([(0, false), (3, true), (0, false)], await EraseAsync(database, Customer));
        await database.ExecuteAsync("DELETE FROM outbox WHERE id > 6003");
        Assert.Equal([(0, false), (0, true), (0, false)], await EraseAsync(database, Customer));
        Assert.Equal(
            3,
            await database.ScalarAsync<long>("SELECT count(*) FROM orders WHERE contact_email = 'a@example.com'")
        );
    }

    private static async Task<IEnumerable<(long, bool)>> EraseAsync(OwnDatabase database, string customer) =>
        (await EraseCustomer.EraseAsync(database.Source, customer, Cancel)).Items.Select(item =>
            (item.Count, item.IsOpen)
        );

    // Orders with their events.
    private static async Task InsertAsync(OwnDatabase database, string customer, int count)
    {
        var now = Order.Now(TimeProvider.System);
        var ids = Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7(now)).ToArray();
        OrderItem[] items = [new("a", 1, 1)];
        var events = ids.Select(id => new Order(
                id,
                OrderStatus.Pending,
                "EUR",
                items,
                1,
                "a@example.com",
                now,
                now,
                Version: 1
            ))
            .Select(order => OrderEvent.Serialize(order.Id, order, customer));
        await database.Source.RunAsync(
            """
            WITH stored AS (
                INSERT INTO orders (id, customer_id, status, currency, items, total,
                    contact_email, created_at, updated_at, version)
                SELECT id, $1, 'pending', 'EUR', '[]', 1, 'a@example.com', $2, $2, 1 FROM unnest($3) AS id
            )
            INSERT INTO outbox (event_id, order_id, type, body, created_at)
            SELECT id, id, 'order.created', body, $2 FROM unnest($3, $4) AS events (id, body)
            """,
            customer,
            now,
            ids,
            events.ToArray()
        );
    }
}
