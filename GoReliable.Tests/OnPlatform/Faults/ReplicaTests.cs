using System.Collections.Concurrent;
using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Two instances of Orders: whichever of them relays, what arrives is the same.</summary>
[Collection(ServersOnly.UnderLoad)]
public sealed class ReplicaTests(TwoReplicas two) : IClassFixture<TwoReplicas>
{
    private const int Orders = 150;
    private static readonly string[] Changes = ["confirm", "cancel"];

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
                killed = two.KillRelayAsync();
        });
        await killed;
        await two.ReplaceKilledAsync();

        // Unconfirmed events are published again, after later ones. So only the first copy of each is compared.
        var copies = await PublishedAsync(orders);
        Assert.Equal(3 * Orders, copies.DistinctBy(copy => copy.Event).Count());
        Assert.All(copies.GroupBy(copy => copy.Order), order =>
            Assert.Equal([1, 2, 3], order.Select(copy => copy.Version).Distinct())
        );
        using var bob = TwoReplicas.Client("bob", two.Worker);
        foreach (var order in orders)
            Assert.Equal([1, 2, 3], (await bob.WaitForNotificationsAsync(order, 3)).Select(told => told.Version));
    }

    // Customers who go on until they are answered: each order is created, confirmed and cancelled.
    private async Task<IReadOnlyCollection<Guid>> TradeAsync(string customer, Action<int>? afterEach = null)
    {
        HttpClient[] clients = [.. two.Orders.Select(replica => TwoReplicas.Client(customer, replica))];
        var orders = new ConcurrentQueue<Guid>();
        var (asked, done) = (0, 0);
        HttpClient Next() => clients[(uint)Interlocked.Increment(ref asked) % clients.Length];
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
                        Next()
                            .PostRawAsync(
                                """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""",
                                idempotencyKey: $"{customer}-{i}"
                            ),
                    HttpStatusCode.Created
                );
                var order = (await created.ReadAsync<OrderAnswer>()).Id;
                // Its first try may have done it, and its answer be lost.
                foreach (var change in Changes)
                {
                    using var changed = await AnsweredAsync(
                        () => Next().ChangeStatusAsync(order, change),
                        HttpStatusCode.OK,
                        HttpStatusCode.Conflict
                    );
                }
                orders.Enqueue(order);
                afterEach?.Invoke(Interlocked.Increment(ref done));
            }
        );
        foreach (var client in clients)
            client.Dispose();
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
        await Poll.UntilAsync(
            "an empty outbox",
            () => two.Database.ScalarAsync<long>("SELECT count(*) FROM outbox"),
            pending => pending == 0
        );
        return [.. (await Tap.EmptyAsync(two.Platform)).Where(copy => orders.Contains(copy.Order))];
    }
}
