using System.Net.Http.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Lifecycle;

/// <summary>One instance after another is stopped and started, and no caller of the gateway notices.</summary>
public sealed class RollingRestartTests
{
    private const string UntilOthersKnow = "00:00:05";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_rolling_restart_of_the_services_under_load_fails_no_request()
    {
        await using var platform = await GoReliablePlatform.StartAsync(replicas: 2, configure: builder =>
        {
            builder.CreateResourceBuilder<ProjectResource>("orders").WithEnvironment("Shutdown__ReadinessDelay", UntilOthersKnow);
            builder.CreateResourceBuilder<ProjectResource>("notifications").WithEnvironment("Shutdown__ReadinessDelay", UntilOthersKnow);
        });
        using var customer = platform.Client("rolling");
        var order = await customer.CreateAsync();
        // Without an Idempotency-Key: what fails here, the gateway must not send again.
        await using var buying = new Callers(() => customer.PostAsJsonAsync(OrdersClient.Orders, OrdersClient.Body()));
        await using var reading = new Callers(() => customer.GetAsync($"{OrdersClient.Orders}/{order}/notifications"));

        await platform.RollAsync("orders", replicas: 2);
        await platform.RollAsync("notifications", replicas: 2);
        await Task.WhenAll(buying.StopAsync(), reading.StopAsync());

        TestContext.Current.TestOutputHelper?.WriteLine($"answered: {buying.Succeeded} orders, {reading.Succeeded} lists");
        Assert.True(buying.Failures.IsEmpty, string.Join('\n', buying.Failures));
        Assert.True(reading.Failures.IsEmpty, string.Join('\n', reading.Failures));
        Assert.True(buying.Succeeded > 100 && reading.Succeeded > 100);
    }

    [Fact]
    public async Task A_rolling_restart_of_the_gateway_behind_a_load_balancer_fails_no_request()
    {
        await using var orders = await SlowService.StartAsync();
        Task<ServiceProcess> StartAsync() => ServiceProcess.StartAsync("Gateway", ("services__orders__http__0", orders.Address), ("Shutdown__ReadinessDelay", UntilOthersKnow));
        var gateways = new[] { await StartAsync(), await StartAsync() };
        using var balancer = new Balancer(gateways);
        await using var callers = new Callers(balancer.CallAsync);
        try
        {
            for (var i = 0; i < gateways.Length; i++)
            {
                gateways[i].Terminate();
                Assert.Equal(0, await gateways[i].WaitForExitAsync());
                await gateways[i].DisposeAsync();
                gateways[i] = await StartAsync();
                await Eventually.SeeAsync("all gateways in use", () => Task.FromResult(balancer.Ready), ready => ready == gateways.Length);
            }
            await callers.StopAsync();

            TestContext.Current.TestOutputHelper?.WriteLine($"answered: {callers.Succeeded}");
            Assert.True(callers.Failures.IsEmpty, string.Join('\n', callers.Failures));
            Assert.True(callers.Succeeded > 100);
        }
        finally
        {
            foreach (var gateway in gateways)
                await gateway.DisposeAsync();
        }
    }

    /// <summary>Calls in turn those gateways that said, a moment ago, that they are ready.</summary>
    private sealed class Balancer : IDisposable
    {
        private readonly CancellationTokenSource stop = new();
        private volatile ServiceProcess[] ready;
        private int calls;

        public Balancer(ServiceProcess[] gateways)
        {
            ready = [.. gateways];
            _ = Task.Run(() => ProbeAsync(gateways));
        }

        public int Ready => ready.Length;

        public Task<HttpResponseMessage> CallAsync() => Next().Client.GetAsync("/docs/quick", Cancel);

        public void Dispose() => stop.Cancel();

        private ServiceProcess Next()
        {
            var now = ready;
            return now[(int)((uint)Interlocked.Increment(ref calls) % now.Length)];
        }

        private async Task ProbeAsync(ServiceProcess[] gateways)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
            while (await timer.WaitForNextTickAsync(stop.Token))
            {
                var found = new List<ServiceProcess>();
                foreach (var gateway in gateways.ToArray())
                {
                    if (await IsReadyAsync(gateway))
                        found.Add(gateway);
                }
                ready = [.. found];
            }
        }

        private static async Task<bool> IsReadyAsync(ServiceProcess gateway)
        {
            try
            {
                return (await gateway.HealthAsync("ready")).Status == 200;
            }
            catch (Exception gone) when (gone is HttpRequestException or TaskCanceledException or ObjectDisposedException)
            {
                return false;
            }
        }
    }
}
