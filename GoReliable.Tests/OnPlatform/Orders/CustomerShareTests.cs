using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Orders;

/// <summary>What one customer may cost the others.</summary>
[Collection(SharedPlatform.Name)]
public sealed class CustomerShareTests(SharedPlatform shared)
{
    // What a service has, unless it is told otherwise.
    private const int MaxPoolSize = 32;
    private const int Share = 8;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_customer_has_a_share_of_the_database_and_the_others_have_the_rest()
    {
        using var alice = shared.Platform.Client($"alice-{Guid.NewGuid():N}");
        using var bob = shared.Platform.Client($"bob-{Guid.NewGuid():N}");
        var order = await alice.CreateAsync();
        await using var database = await shared.Platform.DatabaseAsync("orders-db");
        await using var hold = await OpenTransaction.BeginAsync(
            database,
            "SELECT 1 FROM orders WHERE id = $1 FOR UPDATE",
            order
        );

        // Each waits in the database for the row that this test holds.
        var confirmations = Enumerable.Range(0, 50).Select(_ => alice.ChangeStatusAsync(order, "confirm")).ToList();
        await Poll.UntilAsync("the share of one customer", () => WaitingAsync(database), count => count == Share);

        var began = Stopwatch.GetTimestamp();
        await bob.CreateAsync();
        var took = Stopwatch.GetElapsedTime(began);
        Assert.True(took < TimeSpan.FromSeconds(1), $"Somebody else waited for {took}.");

        var refused = new List<HttpResponseMessage>();
        await foreach (var answered in Task.WhenEach(confirmations))
        {
            refused.Add(await answered);
            if (refused.Count == 50 - Share)
                break;
        }
        Assert.Equal(Share, await WaitingAsync(database));
        Assert.All(refused, answer => Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta));
        var problem = await refused[0].AssertProblemAsync(HttpStatusCode.TooManyRequests);
        Assert.Contains("one customer", problem.Detail, StringComparison.Ordinal);

        await hold.DisposeAsync();
        Assert.Equal(
            Share,
            (await Task.WhenAll(confirmations)).Count(answer => answer.StatusCode == HttpStatusCode.OK)
        );
    }

    [Fact]
    public async Task A_customer_slightly_above_the_share_waits_and_is_served()
    {
        using var alice = shared.Platform.Client($"alice-{Guid.NewGuid():N}");
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 4 * Share).Select(_ => alice.GetAsync(OrdersClient.Orders, Cancel))
        );

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }

    // Its client knows of no order, and will send it again.
    [Fact]
    public async Task An_order_whose_client_left_before_there_was_a_connection_is_not_made()
    {
        var customers = Enumerable
            .Range(0, MaxPoolSize / Share)
            .Select(_ => shared.Platform.Client("orders", $"busy-{Guid.NewGuid():N}"))
            .ToArray();
        var orders = await Task.WhenAll(customers.Select(customer => customer.CreateAsync()));
        var late = $"late-{Guid.NewGuid():N}";
        using var client = shared.Platform.Client("orders", late);
        using var management = shared.Platform.Management("orders");
        await using var database = await shared.Platform.DatabaseAsync("orders-db");
        await using var hold = await OpenTransaction.BeginAsync(
            database,
            "SELECT 1 FROM orders WHERE id = ANY ($1) FOR UPDATE",
            orders
        );
        var confirmations = customers
            .Zip(orders)
            .SelectMany(pair =>
                Enumerable.Range(0, Share).Select(_ => pair.First.ChangeStatusAsync(pair.Second, "confirm"))
            )
            .ToArray();
        await Poll.UntilAsync("no free connection", () => WaitingAsync(database), count => count == MaxPoolSize);

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var order = client.PostAsJsonAsync(OrdersClient.Orders, OrdersClient.Body(), patience.Token);
        await Poll.UntilAsync("the order among the requests", PostsAsync, count => count == MaxPoolSize + 1);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => order);
        await Poll.UntilAsync("its end", PostsAsync, count => count == MaxPoolSize);

        await hold.DisposeAsync();
        await Task.WhenAll(confirmations);
        await Poll.UntilAsync("the end of all requests", PostsAsync, count => count == 0);
        Assert.Empty((await client.PageAsync()).Items);

        async Task<double> PostsAsync() =>
            (await Exposition.ScrapeAsync(management)).Sum(
                "http_server_active_requests",
                ("http_request_method", "POST")
            );
    }

    private static Task<long> WaitingAsync(NpgsqlDataSource database) =>
        database.ScalarAsync<long>(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '-- UPDATE order%'"
        );
}
