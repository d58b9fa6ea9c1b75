using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using GoReliable.Tests.Gateway;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Lifecycle;

/// <summary>One instance of each service after the other is stopped and started, all at the same time, and no customer notices.</summary>
public sealed class RollingRestartTests
{
    private const int Replicas = 2;

    // Longer than a gateway keeps a connection that nobody uses, two seconds, and than the balancer takes to ask.
    private const string UntilOthersKnow = "00:00:03";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)] // Not seen to pass since Aspire has a proxy in front of replicas, which answers for one that left.
    public async Task A_rolling_restart_of_every_service_under_load_fails_no_request_and_every_order_is_there_once()
    {
        await using var platform = await GoReliablePlatform.StartAsync(Replicas, configure: builder =>
        {
            builder.CreateResourceBuilder<ProjectResource>("orders").WithEnvironment("Shutdown__ReadinessDelay", UntilOthersKnow);
            builder.CreateResourceBuilder<ProjectResource>("notifications").WithEnvironment("Shutdown__ReadinessDelay", UntilOthersKnow);
            // The AppHost runs one gateway. Two of our own are restarted, which take the same tokens.
            builder.Configuration["Authentication:Schemes:Bearer:SigningKeys:0:Value"] = GatewayProcess.SigningKey;
        });
        var (orders, notifications) = (await platform.AddressesAsync("orders", Replicas), await platform.AddressesAsync("notifications", Replicas));
        Task<GatewayProcess> StartAsync() => GatewayProcess.StartAsync(orders,
        [
            .. notifications.Select((address, i) => ($"services__notifications__http__{i}", $"{address}")),
            ("Shutdown__ReadinessDelay", UntilOthersKnow), ("Resilience__TotalTimeout", "00:00:10"), ("Resilience__TryTimeout", "00:00:03"),
        ]);
        var gateways = await Task.WhenAll(StartAsync(), StartAsync());
        using var balancer = new Balancer(gateways);
        var answered = new ConcurrentQueue<Guid>();
        try
        {
            var first = await balancer.Next().CreateAsync();
            // Without an Idempotency-Key: what fails here, nobody may send again.
            await using var buying = new Callers(async () =>
            {
                var answer = await balancer.Next().PostAsJsonAsync(OrdersClient.Orders, OrdersClient.Body());
                if (answer.StatusCode == HttpStatusCode.Created)
                    answered.Enqueue((await answer.JsonAsync()).GetProperty("id").GetGuid());
                return answer;
            });
            await using var reading = new Callers(() => balancer.Next().GetAsync($"{OrdersClient.Orders}/{first}/notifications"));

            await Task.WhenAll(platform.RollAsync("orders", Replicas), platform.RollAsync("notifications", Replicas), RollAsync(gateways, StartAsync, balancer));
            await Task.WhenAll(buying.StopAsync(), reading.StopAsync());

            TestContext.Current.TestOutputHelper?.WriteLine($"answered: {buying.Succeeded} orders, {reading.Succeeded} lists");
            Assert.True(buying.Failures.IsEmpty, string.Join('\n', buying.Failures));
            Assert.True(reading.Failures.IsEmpty, string.Join('\n', reading.Failures));
            Assert.True(buying.Succeeded > 100 && reading.Succeeded > 100);

            answered.Enqueue(first);
            Assert.Equal(answered.Order(), (await IdsAsync(platform, "orders-db", "SELECT id FROM orders")).Order());
            var notified = await Eventually.SeeAsync("all notifications", () => IdsAsync(platform, "notifications-db", "SELECT order_id FROM notifications"), ids => ids.Count >= answered.Count);
            Assert.Equal(answered.Order(), notified.Order());
        }
        finally
        {
            foreach (var gateway in gateways)
                await gateway.DisposeAsync();
        }
    }

    private static async Task RollAsync(GatewayProcess[] gateways, Func<Task<GatewayProcess>> startAsync, Balancer balancer)
    {
        for (var i = 0; i < gateways.Length; i++)
        {
            await gateways[i].StopAsync();
            await gateways[i].DisposeAsync();
            gateways[i] = await startAsync();
            await Eventually.SeeAsync("all gateways in use", () => Task.FromResult(balancer.Ready), ready => ready == gateways.Length);
        }
    }

    private static async Task<List<Guid>> IdsAsync(GoReliablePlatform platform, string name, string sql)
    {
        await using var database = await platform.DatabaseAsync(name);
        await using var command = database.CreateCommand(sql);
        await using var row = await command.ExecuteReaderAsync(Cancel);
        var ids = new List<Guid>();
        while (await row.ReadAsync(Cancel))
            ids.Add(row.GetGuid(0));
        return ids;
    }

    /// <summary>Gives in turn those gateways that said, a moment ago, that they are ready.</summary>
    private sealed class Balancer : IDisposable
    {
        private readonly CancellationTokenSource stop = new();
        private volatile GatewayProcess[] ready;
        private int calls;

        public Balancer(GatewayProcess[] gateways)
        {
            ready = [.. gateways];
            _ = Task.Run(() => ProbeAsync(gateways));
        }

        public int Ready => ready.Length;

        public HttpClient Next()
        {
            var now = ready;
            return now[(int)((uint)Interlocked.Increment(ref calls) % now.Length)].Client;
        }

        public void Dispose() => stop.Cancel();

        private async Task ProbeAsync(GatewayProcess[] gateways)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
            while (await timer.WaitForNextTickAsync(stop.Token))
            {
                var found = new List<GatewayProcess>();
                foreach (var gateway in gateways.ToArray())
                {
                    if (await IsReadyAsync(gateway))
                        found.Add(gateway);
                }
                ready = [.. found];
            }
        }

        private static async Task<bool> IsReadyAsync(GatewayProcess gateway)
        {
            try
            {
                using var answer = await gateway.Management.GetAsync("/health/ready", Cancel);
                return answer.IsSuccessStatusCode;
            }
            catch (Exception gone) when (gone is HttpRequestException or TaskCanceledException or ObjectDisposedException)
            {
                return false;
            }
        }
    }
}
