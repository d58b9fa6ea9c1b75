using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>
/// One instance of each service after the other is stopped and started, all at the same time, and no customer notices.
/// </summary>
[Collection(ServersOnly.UnderLoad)]
public sealed class RollingRestartTests(ServersOnly servers)
{
    // Longer than a gateway keeps a connection that nobody uses, two seconds, and than the balancer takes to ask.
    private const string UntilOthersKnow = "00:00:03";

    [Fact]
    public async Task A_rolling_restart_under_load_fails_no_request_and_keeps_every_order_once()
    {
        // A replica of the AppHost gets another port at each start, where those of a deployment keep their address.
        var platform = servers.Platform;
        await using var ordered = await OwnDatabase.CreateAsync(platform, "Orders");
        await using var told = await OwnDatabase.CreateAsync(platform, "Notifications");
        var messaging = ("ConnectionStrings__messaging", await platform.ConnectionStringAsync("messaging"));
        await using var orders = await Replicas.StartAsync(
            "Orders",
            [messaging, ("ConnectionStrings__orders-db", ordered.ConnectionString)]
        );
        await using var notifications = await Replicas.StartAsync(
            "Notifications",
            [
                messaging,
                // All readers are one customer, which may use a quarter of a replica's connections at a time.
                ("ConnectionStrings__notifications-db", $"{told.ConnectionString};Maximum Pool Size=32"),
                ("Email__PickupFolder", platform.PickupFolder),
            ]
        );
        await using var gateways = await Replicas.StartAsync(
            "Gateway",
            GatewayProcess.Settings(
                orders.Addresses,
                [
                    .. notifications.Addresses.Select((at, i) => ($"services__notifications__http__{i}", $"{at}")),
                    ("Resilience__TotalTimeout", "00:00:10"),
                    ("Resilience__TryTimeout", "00:00:03"),
                ]
            )
        );
        using var balancer = new Balancer(gateways);
        var answered = new ConcurrentQueue<Guid>();

        var first = await balancer.Next().CreateAsync();
        // Without an Idempotency-Key: what fails here, nobody may send again.
        await using var buying = new Callers(async () =>
        {
            var answer = await balancer.Next().PostAsJsonAsync(OrdersClient.Orders, OrdersClient.Body());
            if (answer.StatusCode == HttpStatusCode.Created)
                answered.Enqueue((await answer.ReadAsync<OrderAnswer>()).Id);
            return answer;
        });
        await using var reading = new Callers(() =>
            balancer.Next().GetAsync($"{OrdersClient.Orders}/{first}/notifications")
        );

        await Task.WhenAll(
            orders.RollAsync(),
            notifications.RollAsync(),
            gateways.RollAsync(balancer.WaitUntilAllAreInUseAsync)
        );
        await Task.WhenAll(buying.StopAsync(), reading.StopAsync());

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"answered: {buying.Succeeded} orders, {reading.Succeeded} lists"
        );
        Assert.True(buying.Failures.IsEmpty, string.Join('\n', buying.Failures));
        Assert.True(reading.Failures.IsEmpty, string.Join('\n', reading.Failures));
        Assert.True(buying.Succeeded > 100 && reading.Succeeded > 100);

        answered.Enqueue(first);
        var ids = answered.Order();
        Assert.Equal(ids, (await ordered.ScalarAsync<Guid[]>("SELECT array_agg(id) FROM orders")).Order());
        var notified = await Poll.UntilAsync(
            "all notifications",
            () => told.ScalarAsync<Guid[]>("SELECT array_agg(order_id) FROM notifications"),
            notified => notified.Length >= answered.Count
        );
        Assert.Equal(ids, notified.Order());
    }

    /// <summary>Two instances of a service, each at an address that it keeps.</summary>
    private sealed class Replicas : IAsyncDisposable
    {
        private readonly ServiceProcess[] instances = new ServiceProcess[2];
        private readonly (string Name, string Value)[][] settings;
        private readonly string service;

        private Replicas(string service, (string, string)[] settings)
        {
            this.service = service;
            this.settings = [.. instances.Select(_ => OfOne(settings))];
        }

        public ServiceProcess[] Instances => instances;

        public Uri[] Addresses => [.. instances.Select(instance => instance.Client.BaseAddress!)];

        public static async Task<Replicas> StartAsync(string service, (string, string)[] settings)
        {
            var replicas = new Replicas(service, settings);
            await Task.WhenAll(Enumerable.Range(0, replicas.instances.Length).Select(replicas.StartAsync));
            return replicas;
        }

        /// <summary>Stops and starts each, when the one before it is in use again.</summary>
        public async Task RollAsync(Func<Task>? waitUntilInUseAsync = null)
        {
            for (var i = 0; i < instances.Length; i++)
            {
                instances[i].Terminate();
                Assert.Equal(0, await instances[i].WaitForExitAsync());
                await instances[i].DisposeAsync();
                await StartAsync(i);
                await (waitUntilInUseAsync?.Invoke() ?? Task.CompletedTask);
            }
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var instance in instances)
                await instance.DisposeAsync();
        }

        private static (string, string)[] OfOne((string, string)[] settings) =>
            [
                .. GatewayProcess.WithSigningKey,
                .. settings,
                ("Shutdown__ReadinessDelay", UntilOthersKnow),
                ("ASPNETCORE_URLS", $"http://127.0.0.1:{ServiceProcess.FreePort()}"),
                ("MANAGEMENT_PORT", $"{ServiceProcess.FreePort()}"),
            ];

        private async Task StartAsync(int i)
        {
            instances[i] = await ServiceProcess.StartAsync(service, settings[i]);
            instances[i].Client.DefaultRequestHeaders.Authorization = GatewayProcess.Tokens.Bearer("alice");
            await instances[i].WaitUntilReadyAsync();
        }
    }

    /// <summary>Gives in turn those gateways that said, a moment ago, that they are ready.</summary>
    private sealed class Balancer : IDisposable
    {
        private readonly CancellationTokenSource stop = new();
        private readonly Replicas gateways;
        private volatile ServiceProcess[] ready;
        private int calls;

        public Balancer(Replicas gateways)
        {
            this.gateways = gateways;
            ready = [.. gateways.Instances];
            _ = Task.Run(ProbeAsync);
        }

        public HttpClient Next()
        {
            var now = ready;
            return now[(int)((uint)Interlocked.Increment(ref calls) % now.Length)].Client;
        }

        public Task<int> WaitUntilAllAreInUseAsync() =>
            Poll.UntilAsync(
                "all gateways in use",
                () => Task.FromResult(ready.Length),
                count => count == gateways.Instances.Length
            );

        public void Dispose() => stop.Cancel();

        private async Task ProbeAsync()
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
            while (await timer.WaitForNextTickAsync(stop.Token))
            {
                var found = new List<ServiceProcess>();
                foreach (var gateway in gateways.Instances.ToArray())
                {
                    if (await IsReadyAsync(gateway))
                        found.Add(gateway);
                }
                // Probes that a busy machine answered late say nothing: then those from before go on.
                if (found.Count > 0)
                    ready = [.. found];
            }
        }

        private static async Task<bool> IsReadyAsync(ServiceProcess gateway)
        {
            try
            {
                return (await gateway.HealthAsync("ready")).Status == 200;
            }
            catch (Exception gone)
                when (gone is HttpRequestException or TaskCanceledException or ObjectDisposedException)
            {
                return false;
            }
        }
    }
}
