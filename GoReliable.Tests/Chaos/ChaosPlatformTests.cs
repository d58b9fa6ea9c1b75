using System.Net;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Chaos;

/// <summary>Trouble that is switched on and off on the running platform, in the file that its services watch.</summary>
public sealed class ChaosPlatformTests(ChaosPlatformTests.WatchingPlatform watching) : IClassFixture<ChaosPlatformTests.WatchingPlatform>
{
    private readonly GoReliablePlatform platform = watching.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_notification_whose_channel_fails_is_delivered_when_it_works_again()
    {
        await TurnAsync("""{ "Chaos": { "Channel": { "FaultRate": 1 } } }""", "chaos.enabled", "channel", "notifications");
        using var customer = platform.Client("chaos-channel");
        var order = await customer.CreateAsync(contactEmail: "chaos@example.com");
        await platform.Telemetry.WaitForLogAsync(log => log.EventName == "notification.retried" && log.Body.Contains($"{order}", StringComparison.Ordinal), Cancel);
        await platform.Telemetry.WaitForSpanAsync(span => span.Name == "send email" && span.Attributes.TryGetValue("goreliable.chaos", out var struck) && struck is true, Cancel);

        await TurnAsync("{}", "chaos.disabled", "channel", "notifications");

        var notification = Assert.Single(await customer.WaitForNotificationsAsync(order));
        Assert.True(notification.GetProperty("attempts").GetInt32() > 1);
    }

    [Fact]
    public async Task A_database_that_fails_is_a_503_that_says_when_to_come_again_and_nothing_is_lost()
    {
        using var customer = platform.Client("chaos-database");
        var earlier = await customer.CreateAsync();
        await TurnAsync("""{ "Chaos": { "Database": { "FaultRate": 1 } } }""", "chaos.enabled", "database", "orders", "notifications");

        using var refused = await customer.PostRawAsync("""{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""");
        await refused.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
        Assert.NotNull(refused.Headers.RetryAfter);
        using var unread = await customer.GetAsync($"{OrdersClient.Orders}/{earlier}/notifications", Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, unread.StatusCode);

        await TurnAsync("{}", "chaos.disabled", "database", "orders", "notifications");
        foreach (var order in new[] { earlier, await customer.CreateAsync() })
            Assert.Single(await customer.WaitForNotificationsAsync(order));
        Assert.Equal(2, (await customer.GetJsonAsync(OrdersClient.Orders)).GetProperty("items").GetArrayLength());
    }

    /// <summary>Writes the file, and waits until the services say that they have read it.</summary>
    private async Task TurnAsync(string settings, string @event, string place, params string[] services)
    {
        var before = DateTimeOffset.UtcNow;
        await File.WriteAllTextAsync(watching.Settings, settings, Cancel);
        foreach (var service in services)
        {
            await platform.Telemetry.WaitForLogAsync(
                log => log.EventName == @event && log.Service == service && log.Time > before && log.Body.Contains($"in {place}", StringComparison.Ordinal), Cancel, $"{@event} {place} of {service}");
        }
    }

    public sealed class WatchingPlatform : IAsyncLifetime
    {
        private static readonly string[] Services = ["gateway", "orders", "notifications"];

        private readonly string folder = Directory.CreateTempSubdirectory("goreliable-chaos-").FullName;

        public string Settings => Path.Combine(folder, "settings.json");

        public GoReliablePlatform Platform { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            await File.WriteAllTextAsync(Settings, "{}", Cancel);
            Platform = await GoReliablePlatform.StartAsync(configure: builder =>
            {
                foreach (var service in Services)
                    builder.CreateResourceBuilder<ProjectResource>(service).WithEnvironment("GORELIABLE_CONFIG", Settings);
                // Ten attempts, none of which is long to wait for.
                foreach (var (i, delay) in Enumerable.Repeat("00:00:05", 9).Prepend("00:00:01").Index())
                    builder.CreateResourceBuilder<ProjectResource>("notifications").WithEnvironment($"Retry__Delays__{i}", delay);
            });
        }

        public async ValueTask DisposeAsync()
        {
            await Platform.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }
}
