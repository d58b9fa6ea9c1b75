using System.Net;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>Nobody waits for anybody: the services are started first, and what they need comes later.</summary>
[Collection(RestartablePlatform.Name)]
public sealed class AnyOrderTests(RestartablePlatform restartable) : IAsyncDisposable
{
    private static readonly string[] Services = ["gateway", "orders", "notifications"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync() => await restartable.ReviveAsync();

    [Fact]
    public async Task Services_start_without_database_and_broker_say_what_is_missing_and_recover()
    {
        var platform = restartable.Platform;
        using var customer = platform.Client("any-order");
        await Task.WhenAll(Services.Concat(["postgres", "messaging"]).Select(platform.StopAsync));
        var stopped = DateTimeOffset.UtcNow;
        await Task.WhenAll(Services.Select(platform.StartAsync));

        // Nothing is there.
        foreach (var service in Services)
            await Poll.UntilAsync(
                $"{service} alive",
                () => HealthAsync(platform, service, "live"),
                live => live.Status == HttpStatusCode.OK
            );
        Assert.Equal(HttpStatusCode.OK, (await HealthAsync(platform, "gateway", "ready")).Status);
        foreach (var service in new[] { "orders", "notifications" })
        {
            var (status, checks) = await HealthAsync(platform, service, "ready");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
            foreach (var missing in new[] { "PostgreSql", "Schema", "RabbitMQ" })
                Assert.NotEmpty(checks[missing].Reason!);
        }
        using (
            var refused = await customer.PostRawAsync(
                """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}"""
            )
        )
        {
            await refused.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        // With a database orders are taken; without the broker nobody is notified.
        await platform.StartAsync("postgres");
        var (_, degraded) = await Poll.UntilAsync(
            "orders ready",
            () => HealthAsync(platform, "orders", "ready"),
            ready => ready.Status == HttpStatusCode.OK
        );
        Assert.Equal("Degraded", degraded["RabbitMQ"].Status);
        var order = await customer.CreateAsync();
        var (without, because) = await HealthAsync(platform, "notifications", "ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, without);
        Assert.Equal("No connection to RabbitMQ.", because["RabbitMQ"].Reason);

        await platform.StartAsync("messaging");
        foreach (var service in Services)
            await platform.WaitUntilHealthyAsync(service);
        Assert.Single(await customer.WaitForNotificationsAsync(order));

        // Each tried every second all the time, and did not write every second, also where a server that starts was
        // refused and unreachable in turn.
        foreach (var service in new[] { "orders", "notifications" })
        {
            var written = platform.Telemetry.Logs().Where(log => log.Service == service && log.Time > stopped).ToList();
            Assert.InRange(written.Count(log => log.EventName == "broker.unreachable"), 1, 3);
            var reasons = written.Where(log => log.EventName == "schema.unavailable").CountBy(log => log.Body).ToList();
            Assert.NotEmpty(reasons);
            Assert.All(reasons, reason => Assert.InRange(reason.Value, 1, 3));
        }
    }

    private static async Task<(HttpStatusCode Status, Dictionary<string, HealthCheckAnswer> Checks)> HealthAsync(
        GoReliablePlatform platform,
        string service,
        string probe
    )
    {
        using var management = platform.Management(service);
        using var answer = await management.GetAsync($"/health/{probe}", Cancel);
        return (answer.StatusCode, (await answer.ReadAsync<HealthAnswer>()).Checks);
    }
}
