using System.Collections.Concurrent;
using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Two instances of Orders: which of them relays changes all the time, what arrives does not.</summary>
public sealed class ReplicaTests(TwoReplicas two) : IClassFixture<TwoReplicas>
{
    private const int Orders = 150;

    private readonly GoReliablePlatform platform = two.Platform;

    [Fact]
    public async Task Two_relays_publish_each_event_once_and_the_events_of_an_order_in_order()
    {
        var orders = await TradeAsync("alice");

        var copies = await PublishedAsync(orders);
        Assert.Equal(3 * Orders, copies.Count);
        Assert.All(copies.GroupBy(copy => copy.Order), order =>
            Assert.Equal([1, 2, 3], order.Select(copy => copy.Version))
        );
    }

    [Fact]
    public async Task When_a_relay_is_killed_the_other_continues_where_it_stopped()
    {
        var killed = Task.CompletedTask;
        var orders = await TradeAsync("bob", done =>
        {
            if (done == Orders / 3)
                killed = platform.KillReplicaAsync("orders");
        });
        await killed;

        // Unconfirmed events are published again, after later ones. So only the first copy of each is compared.
        var copies = await PublishedAsync(orders);
        Assert.Equal(3 * Orders, copies.DistinctBy(copy => copy.Event).Count());
        Assert.All(copies.GroupBy(copy => copy.Order), order =>
            Assert.Equal([1, 2, 3], order.Select(copy => copy.Version).Distinct())
        );
        using var bob = platform.Client("bob");
        foreach (var order in orders)
            Assert.Equal([1, 2, 3], (await bob.WaitForNotificationsAsync(order, 3)).Select(told => told.Version));
    }

    // Customers who go on until they are answered: each order is created, confirmed and cancelled.
    private async Task<IReadOnlyCollection<Guid>> TradeAsync(string customer, Action<int>? afterEach = null)
    {
        using var client = platform.Client(customer);
        var orders = new ConcurrentQueue<Guid>();
        var done = 0;
        await Parallel.ForAsync(
            0,
            Orders,
            new ParallelOptions
            {
                MaxDegreeOfParallelism = 8,
                CancellationToken = TestContext.Current.CancellationToken,
            },
            async (i, _) =>
            {
                using var created = await AnsweredAsync(
                    () =>
                        client.PostRawAsync(
                            """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""",
                            idempotencyKey: $"{customer}-{i}"
                        ),
                    HttpStatusCode.Created
                );
                var order = (await created.ReadAsync<OrderAnswer>()).Id;
                // Its first try may have done it, and its answer be lost.
                using var confirmed = await AnsweredAsync(
                    () => client.ChangeStatusAsync(order, "confirm"),
                    HttpStatusCode.OK,
                    HttpStatusCode.Conflict
                );
                using var cancelled = await AnsweredAsync(
                    () => client.ChangeStatusAsync(order, "cancel"),
                    HttpStatusCode.OK,
                    HttpStatusCode.Conflict
                );
                orders.Enqueue(order);
                afterEach?.Invoke(Interlocked.Increment(ref done));
            }
        );
        return orders;
    }

    private static Task<HttpResponseMessage> AnsweredAsync(
        Func<Task<HttpResponseMessage>> ask,
        params HttpStatusCode[] answers
    ) =>
        Poll.UntilAsync($"an answer {string.Join(" or ", answers)}", ask, response =>
            answers.Contains(response.StatusCode)
        );

    private async Task<List<Published>> PublishedAsync(IReadOnlyCollection<Guid> orders)
    {
        await using var database = await platform.DatabaseAsync("orders-db");
        await Poll.UntilAsync(
            "an empty outbox",
            async () =>
            {
                await using var count = database.CreateCommand("SELECT count(*) FROM outbox");
                return (long)(await count.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
            },
            pending => pending == 0
        );
        return [.. (await Tap.EmptyAsync(platform)).Where(copy => orders.Contains(copy.Order))];
    }
}

/// <summary>A platform with two instances of Orders and of Notifications, and a <see cref="Tap"/>.</summary>
public sealed class TwoReplicas : IAsyncLifetime
{
    public GoReliablePlatform Platform { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Platform = await GoReliablePlatform.StartAsync(replicas: 2);
        await Tap.OpenAsync(Platform);
    }

    public ValueTask DisposeAsync() => Platform.DisposeAsync();
}
