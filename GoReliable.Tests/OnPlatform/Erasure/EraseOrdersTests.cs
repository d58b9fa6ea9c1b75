using System.Net;
using System.Net.Http.Json;
using GoReliable.Database.Erasure;
using GoReliable.Orders.Erasure;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.ServiceDefaults.Management;
using GoReliable.Tests.OnPlatform.Orders;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Erasure;

/// <summary>A customer is erased, and the orders stay complete.</summary>
[Collection(SharedPlatform.Name)]
public sealed class EraseOrdersTests(SharedPlatform shared)
{
    private const string Body =
        """{"currency":"EUR","items":[{"sku":"a","quantity":2,"unitPrice":1.5}],"""
        + "\"contactEmail\":\"alice@example.com\"}";

    private readonly string alice = $"alice-{Guid.NewGuid():n}";

    private string OperatorToken => shared.Platform.Tokens.Issue("olga", Scopes.NotificationsOperate);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_order_stays_without_its_customer()
    {
        var order = await OrderAsync();

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
    }

    [Fact]
    public async Task A_repeated_request_makes_no_second_order()
    {
        using var client = shared.Platform.Client(alice);
        var order = await OrderAsync();
        await EraseAsync();

        var again = await client.PostRawAsync(Body, idempotencyKey: "once");

        Assert.Equal((HttpStatusCode.Created, order), (again.StatusCode, (await again.ReadAsync<OrderAnswer>()).Id));
        Assert.DoesNotContain("contactEmail", await again.TextAsync(), StringComparison.Ordinal);
        Assert.Empty((await client.PageAsync()).Items);
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
        await using var erasing = await OpenTransaction.BeginAsync(database, EraseCustomer.Orders, alice);
        var changes = new[]
        {
            client.ChangeStatusAsync(orders[0], "confirm"),
            client.ChangeStatusAsync(orders[1], "cancel", "key"),
        };
        await WaitingAsync(database, "UPDATE order", 2);
        await erasing.CommitAsync();

        foreach (var change in await Task.WhenAll(changes))
            await change.AssertProblemAsync(HttpStatusCode.NotFound);
        foreach (var order in orders)
        {
            Assert.Equal($"{ErasureReport.ErasedCustomer}||pending|25.00|1", await RowAsync(database, order));
            Assert.Equal(0, await EventsAsync(database, order));
        }
    }

    [Fact]
    public async Task An_operator_who_hangs_up_is_in_the_log()
    {
        await OrderAsync();
        await using var database = await shared.Platform.DatabaseAsync("orders-db");
        await using var hold = await OpenTransaction.BeginAsync(
            database,
            "SELECT FROM orders WHERE customer_id = $1 FOR UPDATE",
            alice
        );
        var begun = DateTimeOffset.UtcNow;
        using var hangUp = new CancellationTokenSource();
        using var management = shared.Platform.Management("orders");
        management.DefaultRequestHeaders.Authorization = new("Bearer", OperatorToken);

        var erasing = management.PostAsJsonAsync("customers/erase", new { customer = alice }, hangUp.Token);
        await WaitingAsync(database, "erase orders", 1);
        await hangUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => erasing);
        var log = await shared.Platform.Telemetry.WaitForLogAsync(
            log => log.EventName == "customer.erasure_broken_off" && log.Time > begun,
            Cancel
        );
        Assert.Matches("^[0-9a-f]{12}$", $"{log["Operator"]}");
    }

    // An order of the customer who is then erased; its event has left the outbox.
    private async Task<Guid> OrderAsync()
    {
        using var client = shared.Platform.Client(alice);
        var created = await client.PostRawAsync(Body, idempotencyKey: "once");
        var order = (await created.ReadAsync<OrderAnswer>()).Id;
        await using var database = await shared.Platform.DatabaseAsync("orders-db");
        await Poll.UntilAsync("the event published", () => EventsAsync(database, order), count => count == 0);
        return order;
    }

    private async Task<(int ExitCode, string Output)> EraseAsync()
    {
        using var output = new StringWriter();
        using var management = shared.Platform.Management("orders");
        var exitCode = await EraseCommand.RunAsync(
            "orders",
            9102,
            [alice, "--yes", "--url", $"{management.BaseAddress}", "--token", OperatorToken],
            new Terminal(TextReader.Null, output, TextWriter.Null)
        );
        return (exitCode, output.ToString());
    }

    // Waits for statements that wait for a row.
    private static Task<long> WaitingAsync(NpgsqlDataSource database, string name, long count) =>
        Poll.UntilAsync(
            $"{count} of {name} that wait",
            () =>
                database.ScalarAsync<long>(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1",
                    $"-- {name}%"
                ),
            waiting => waiting == count
        );

    private static Task<long> EventsAsync(NpgsqlDataSource database, Guid order) =>
        database.ScalarAsync<long>("SELECT count(*) FROM outbox WHERE order_id = $1", order);

    private static Task<string> RowAsync(NpgsqlDataSource database, Guid order) =>
        database.ScalarAsync<string>(
            "SELECT concat_ws('|', customer_id, coalesce(contact_email, ''), status, total, version) "
                + "FROM orders WHERE id = $1",
            order
        );
}
