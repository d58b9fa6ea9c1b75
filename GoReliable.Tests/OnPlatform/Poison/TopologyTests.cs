using System.Net;
using GoReliable.Tests.OnPlatform.Faults;
using GoReliable.Tests.Platform;
using RabbitMQ.Client;

namespace GoReliable.Tests.OnPlatform.Poison;

/// <summary>Queues that are not as they must be, or may not be declared: nobody is ready, and each says why.</summary>
[Collection(ServersOnly.Name)]
public sealed class TopologyTests(ServersOnly shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    [Theory]
    [InlineData("Orders")]
    [InlineData("Notifications")]
    public async Task A_queue_that_exists_with_other_settings_is_named(string service)
    {
        var uri = await HostAsync($"otherwise-{service}");
        await using (
            var connection = await new ConnectionFactory { Uri = new Uri(uri) }.CreateConnectionAsync(
                TestContext.Current.CancellationToken
            )
        )
        await using (
            var channel = await connection.CreateChannelAsync(cancellationToken: TestContext.Current.CancellationToken)
        )
            await channel.QueueDeclareAsync(
                "notifications",
                durable: true,
                exclusive: false,
                autoDelete: false,
                cancellationToken: TestContext.Current.CancellationToken
            );

        await IsNotReadyAsync(service, uri, "x-dead-letter-exchange", "queue 'notifications'");
    }

    [Theory]
    [InlineData("Orders")]
    [InlineData("Notifications")]
    public async Task A_missing_permission_is_named(string service) =>
        await IsNotReadyAsync(
            service,
            await HostAsync($"forbidden-{service}", configure: "^$"),
            "ACCESS_REFUSED",
            "configure"
        );

    [Fact]
    public async Task A_missing_right_to_publish_is_not_blamed_on_events()
    {
        var uri = await HostAsync("silenced", write: "^(?!orders$)");
        await using var database = await OwnDatabase.CreateAsync(platform, "Orders");
        await using var process = await ServiceProcess.StartAsync(
            "Orders",
            ("ConnectionStrings__orders-db", database.ConnectionString),
            ("ConnectionStrings__messaging", uri)
        );
        await database.ExecuteAsync(
            "INSERT INTO outbox (event_id, order_id, type, body, created_at) "
                + "VALUES (gen_random_uuid(), gen_random_uuid(), 'order.created', '', now())"
        );
        // One more than an event has.
        await Poll.UntilAsync(
            "six attempts",
            async () =>
                (await Exposition.ScrapeAsync(process.Management)).Sum(
                    "goreliable_order_service_outbox_messages_published_total"
                ),
            attempts => attempts >= 6,
            TimeSpan.FromSeconds(30)
        );

        await HostAsync("silenced");

        await Poll.UntilAsync(
            "an empty outbox",
            () => database.ScalarAsync<long>("SELECT count(*) FROM outbox"),
            count => count == 0
        );
    }

    private async Task IsNotReadyAsync(string service, string uri, params string[] words)
    {
        await using var database = await OwnDatabase.CreateAsync(platform, service);
        await using var process = await ServiceProcess.StartAsync(
            service,
            ($"ConnectionStrings__{service.ToLowerInvariant()}-db", database.ConnectionString),
            ("ConnectionStrings__messaging", uri)
        );

        var (status, reason) = await Poll.UntilAsync(
            "a reason",
            async () =>
            {
                using var answer = await process.Management.GetAsync(
                    "/health/ready",
                    TestContext.Current.CancellationToken
                );
                return (answer.StatusCode, (await answer.ReadAsync<HealthAnswer>()).Checks["RabbitMQ"].Reason);
            },
            told => words.All(word => told.Reason?.Contains(word, StringComparison.Ordinal) == true)
        );
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
    }

    /// <summary>A virtual host of its own, with these rights to declare and to publish.</summary>
    private async Task<string> HostAsync(string name, string configure = ".*", string write = ".*")
    {
        Assert.SkipUnless(
            RabbitMqControl.IsAvailable(platform),
            "Only a broker that is a process of this machine can be given a virtual host."
        );
        var server = new UriBuilder(await platform.ConnectionStringAsync("messaging")) { Path = $"/{name}" };
        await RabbitMqControl.EvaluateAsync(
            platform,
            $"""
            rabbit_vhost:add(<<"{name}">>, <<"test">>),
            rabbit_auth_backend_internal:set_permissions(<<"{server.UserName}">>, <<"{name}">>,
                <<"{configure}">>, <<"{write}">>, <<".*">>, <<"test">>).
            """
        );
        return server.Uri.AbsoluteUri;
    }
}
