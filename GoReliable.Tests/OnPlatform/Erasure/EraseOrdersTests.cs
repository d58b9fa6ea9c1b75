using System.Net;
using GoReliable.Database.Erasure;
using GoReliable.Orders.Erasure;
using GoReliable.Orders.Ordering;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Erasure;

/// <summary>A customer goes, and the books of Orders stay right.</summary>
[Collection(SharedPlatform.Name)]
public sealed class EraseOrdersTests(SharedPlatform shared)
{
    private readonly string alice = $"alice-{Guid.NewGuid():n}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_order_stays_without_its_customer_and_a_repeated_request_makes_no_second_one()
    {
        using var client = shared.Platform.Client(alice);
        using var bob = shared.Platform.Client($"bob-{Guid.NewGuid():n}");
        var body =
            """{"currency":"EUR","items":[{"sku":"a","quantity":2,"unitPrice":1.5}],"""
            + "\"contactEmail\":\"alice@example.com\"}";
        var order = (await (await client.PostRawAsync(body, idempotencyKey: "once")).JsonAsync())
            .GetProperty("id")
            .GetGuid();
        var other = await bob.CreateAsync(contactEmail: "bob@example.com");
        await client.WaitForNotificationsAsync(order);
        await bob.WaitForNotificationsAsync(other);

        var (exitCode, output) = await EraseAsync();

        Assert.Equal(0, exitCode);
        Assert.Equal(
            """
            orders: 1 orders have neither customer nor address any more.
            orders: 0 events in the outbox are still to be published, with customer and address: erase again afterwards.
            orders: 1 idempotency keys name the customer until they expire, so that a repeated request makes no second order.

            """,
            output,
            ignoreLineEndingDifferences: true
        );
        await using var database = await shared.Platform.DatabaseAsync("orders-db");
        Assert.Equal($"{ErasureReport.ErasedCustomer}||pending|3.00|1", await RowAsync(database, order));
        Assert.Equal(
            "bob@example.com",
            (await bob.GetJsonAsync($"{OrdersClient.Orders}/{other}")).GetProperty("contactEmail").GetString()
        );
        await (await client.GetAsync($"{OrdersClient.Orders}/{order}", Cancel)).AssertProblemAsync(
            HttpStatusCode.NotFound
        );
        await (await client.ChangeStatusAsync(order, "confirm", "other")).AssertProblemAsync(HttpStatusCode.NotFound);

        var again = await client.PostRawAsync(body, idempotencyKey: "once");
        var answer = await again.JsonAsync();
        Assert.Equal(
            (HttpStatusCode.Created, order, false),
            (again.StatusCode, answer.GetProperty("id").GetGuid(), answer.TryGetProperty("contactEmail", out _))
        );
        Assert.Empty((await client.GetJsonAsync(OrdersClient.Orders)).GetProperty("items").EnumerateArray());

        var (second, nothing) = await EraseAsync();
        Assert.Equal(0, second);
        Assert.StartsWith("orders: 0 orders", nothing, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_that_was_under_way_does_not_bring_the_address_back()
    {
        using var client = shared.Platform.Client(alice);
        var orders = new[]
        {
            await client.CreateAsync("alice@example.com"),
            await client.CreateAsync("alice@example.com"),
        };
        foreach (var order in orders)
            await client.WaitForNotificationsAsync(order);
        await using var database = await shared.Platform.DatabaseAsync("orders-db");

        // Erased, but not yet committed: the changes have read the orders as they were, and wait.
        await using var connection = await database.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await using var erase = new NpgsqlCommand(EraseCustomer.Orders, connection, transaction)
        {
            Parameters = { new() { Value = alice } },
        };
        Assert.Equal(2, await erase.ExecuteNonQueryAsync(Cancel));
        var changes = new[]
        {
            client.ChangeStatusAsync(orders[0], "confirm"),
            client.ChangeStatusAsync(orders[1], "cancel", "key"),
        };
        await Poll.UntilAsync(
            "two changes that wait for the row",
            () =>
                CountAsync(
                    database,
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                        + "AND query LIKE '-- UPDATE order%'"
                ),
            count => count == 2
        );
        await transaction.CommitAsync(Cancel);

        foreach (var change in await Task.WhenAll(changes))
            await change.AssertProblemAsync(HttpStatusCode.NotFound);
        foreach (var order in orders)
            Assert.Equal($"{ErasureReport.ErasedCustomer}||pending|25.00|1", await RowAsync(database, order));
        foreach (var order in orders)
            Assert.Equal(0, await CountAsync(database, $"SELECT count(*) FROM outbox WHERE order_id = '{order}'"));
    }

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

    private async Task<(int ExitCode, string Output)> EraseAsync()
    {
        using var output = new StringWriter();
        using var management = shared.Platform.Management("orders");
        var exitCode = await EraseCommand.RunAsync(
            "orders",
            9102,
            [
                alice,
                "--yes",
                "--url",
                $"{management.BaseAddress}",
                "--token",
                shared.Platform.Tokens.Issue("olga", Scopes.NotificationsOperate),
            ],
            TextReader.Null,
            output,
            TextWriter.Null,
            Cancel
        );
        return (exitCode, output.ToString());
    }

    // Orders with their events.
    private static async Task InsertAsync(OwnDatabase database, string customer, int count)
    {
        var now = Order.Now(TimeProvider.System);
        var ids = Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7(now)).ToArray();
        await using var command = database.Source.CreateCommand(
            """
            WITH stored AS (
                INSERT INTO orders (id, customer_id, status, currency, items, total,
                    contact_email, created_at, updated_at, version)
                SELECT id, $1, 'pending', 'EUR', '[]', 1, 'a@example.com', $2, $2, 1 FROM unnest($3) AS id
            )
            INSERT INTO outbox (event_id, order_id, type, body, created_at)
            SELECT id, id, 'order.created', body, $2 FROM unnest($3, $4) AS events (id, body)
            """
        );
        command.Parameters.AddWithValue(customer);
        command.Parameters.AddWithValue(now);
        command.Parameters.AddWithValue(ids);
        command.Parameters.AddWithValue(
            ids.Select(id =>
                    OrderEvent.Serialize(
                        id,
                        new Order(
                            id,
                            OrderStatus.Pending,
                            "EUR",
                            [new OrderItem("a", 1, 1)],
                            1,
                            "a@example.com",
                            now,
                            now,
                            Version: 1
                        ),
                        customer
                    )
                )
                .ToArray()
        );
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private static async Task<string> RowAsync(NpgsqlDataSource database, Guid order)
    {
        await using var command = database.CreateCommand(
            "SELECT concat_ws('|', customer_id, coalesce(contact_email, ''), status, total, version) "
                + "FROM orders WHERE id = $1"
        );
        command.Parameters.AddWithValue(order);
        return (string)(await command.ExecuteScalarAsync(Cancel))!;
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(Cancel))!;
    }
}
