using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Deploy;

/// <summary>
/// The platform with its real Prometheus and Aspire's dashboard, after traffic in which everything happened once:
/// success, refusal, failure, retry, dead letter.
/// </summary>
public sealed class LivePlatform : IAsyncLifetime
{
    /// <summary>Collection of the tests that share it.</summary>
    public const string Name = "live platform";

    /// <summary>What the dashboard asks for.</summary>
    internal const string BrowserToken = "a-token-of-these-tests";

    private const string Body = """{"currency":"CHF","items":[{"sku":"a","quantity":1,"unitPrice":1}]}""";

    // Three scrapes and three evaluations are enough; a busy machine takes longer.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>What Prometheus must have seen before anybody asks it: each must have a value.</summary>
    private static readonly string[] Seen =
    [
        "rate(goreliable_api_gateway_http_requests_total{status_code=\"400\"}[5m]) > 0",
        "rate(goreliable_api_gateway_http_requests_total{status_code=~\"5..\"}[5m]) > 0",
        "rate(goreliable_order_service_idempotent_replays_total[5m]) > 0",
        "rate(goreliable_notification_worker_messages_processed_total{result=\"retried\"}[5m]) > 0",
        "rate(goreliable_notification_worker_messages_processed_total{result=\"dead_lettered\"}[5m]) > 0",
        "db_client_connection_npgsql_pending_requests{job=\"orders\"}",
        "ALERTS{alertstate=\"firing\",sloth_id!=\"\"}",
        "count(slo:period_error_budget_remaining:ratio) == 4",
    ];

    public GoReliablePlatform Platform { get; private set; } = null!;

    internal LivePrometheus Prometheus { get; private set; } = null!;

    /// <summary>In containers a service is one target, however many replicas it has.</summary>
    internal int OrdersTargets => Platform.IsProcess("prometheus") ? 2 : 1;

    public async ValueTask InitializeAsync()
    {
        Platform = await GoReliablePlatform.StartAsync(
            configure: ConfigureOrders,
            observability: true,
            dashboardToken: BrowserToken
        );
        await Platform.WaitUntilHealthyAsync("prometheus");
        Prometheus = new LivePrometheus(Platform.Client("prometheus", customer: null));

        // From the first scrape on, Prometheus sees counters grow. rate() ignores what they had counted before.
        await Poll.UntilAsync(
            "all services scraped",
            () => Prometheus.NowAsync("count(up == 1)"),
            up => up is [var count] && count == 2 + OrdersTargets
        );
        await FailAsync(Platform);
        await Poll.UntilAsync(
            "traffic of every kind in Prometheus, and the rules evaluated on it",
            async () =>
            {
                await TrafficAsync(Platform);
                var missing = new List<string>();
                foreach (var query in Seen)
                    if ((await Prometheus.NowAsync(query)).Length == 0)
                        missing.Add(query);
                return string.Join(", ", missing);
            },
            missing => missing.Length == 0,
            Patience
        );
    }

    public async ValueTask DisposeAsync()
    {
        Prometheus.Dispose();
        await Platform.DisposeAsync();
    }

    // Two replicas, each a target of Prometheus, in which requests wait for connections.
    private static void ConfigureOrders(IDistributedApplicationTestingBuilder builder) =>
        builder
            .CreateResourceBuilder<ProjectResource>("orders")
            .WithReplicas(2)
            .WithEnvironment(context =>
            {
                const string Variable = "ConnectionStrings__orders-db";
                var connectionString = (ConnectionStringReference)context.EnvironmentVariables[Variable];
                context.EnvironmentVariables[Variable] = ReferenceExpression.Create(
                    $"{connectionString};Maximum Pool Size=2"
                );
            });

    /// <summary>
    /// Stops the database until Prometheus shows a rate of server errors, and publishes two messages that fail.
    /// </summary>
    private async Task FailAsync(GoReliablePlatform platform)
    {
        await TrafficAsync(platform);
        await platform.StopAsync("postgres");
        using var unlucky = platform.Client("unlucky");
        await Poll.UntilAsync(
            "server errors in Prometheus",
            async () =>
            {
                using var response = await unlucky.GetAsync(OrdersClient.Orders, TestContext.Current.CancellationToken);
                using var creation = await unlucky.PostRawAsync(Body);
                return await Prometheus.NowAsync(
                    "sum(rate(goreliable_api_gateway_http_requests_total{status_code=~\"5..\"}[1m])) > 0"
                );
            },
            rate => rate.Length > 0
        );
        await platform.StartAsync("postgres");
        await platform.WaitUntilHealthyAsync("postgres");
        await platform.WaitUntilHealthyAsync("orders");

        await TestEvent.PublishAsync(platform, block: true);
        await TestEvent.PublishAsync(platform, poison: true);
    }

    private static async Task TrafficAsync(GoReliablePlatform platform)
    {
        using var ada = platform.Client("ada");
        var paid = await ada.CreateAsync("ada@example.com");
        var unpaid = await ada.CreateAsync();
        await ada.ChangeStatusAsync(paid, "confirm");
        await ada.ChangeStatusAsync(paid, "cancel");
        await ada.ChangeStatusAsync(paid, "confirm"); // refused
        await ada.ChangeStatusAsync(unpaid, "cancel");

        var key = Guid.NewGuid().ToString();
        for (var i = 0; i < 2; i++)
            await ada.PostRawAsync(Body, idempotencyKey: key);
        await ada.PostRawAsync("{");

        // More than there are connections, by as many customers: one alone may not have them all.
        await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(async number =>
                {
                    using var customer = platform.Client($"customer-{number}");
                    await customer.PageAsync();
                })
        );
        await ada.OrderAsync(paid);
        await ada.NotificationsAsync(paid);
        await ada.GetAsync($"{OrdersClient.Orders}/{Guid.NewGuid()}", TestContext.Current.CancellationToken);
        await ada.GetAsync("/nowhere", TestContext.Current.CancellationToken);
    }
}

[CollectionDefinition(LivePlatform.Name)]
public sealed class LivePlatformTests : ICollectionFixture<LivePlatform>;
