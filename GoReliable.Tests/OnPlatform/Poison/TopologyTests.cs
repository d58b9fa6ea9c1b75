using GoReliable.Messaging;
using GoReliable.Tests.OnPlatform.Faults;
using GoReliable.Tests.Platform;
using RabbitMQ.Client;

namespace GoReliable.Tests.OnPlatform.Poison;

/// <summary>Queues that are not as they must be, or may not be declared: nobody is ready, and each says why.</summary>
[Collection(ServersOnly.Name)]
public sealed class TopologyTests(ServersOnly shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Orders")]
    [InlineData("Notifications")]
    public async Task What_the_broker_refuses_is_named(string service)
    {
        var name = $"refused-{service}";
        var uri = await HostAsync(name);
        await DeclareOtherwiseAsync(uri);
        await using var database = await OwnDatabase.CreateAsync(platform, service);
        await using var process = await ServiceProcess.StartAsync(
            service,
            ($"ConnectionStrings__{service.ToLowerInvariant()}-db", database.ConnectionString),
            ("ConnectionStrings__messaging", uri)
        );

        // The queue exists with other settings.
        await IsNotReadyAsync(process, "x-dead-letter-exchange", "queue 'notifications'");

        await HostAsync(name, configure: "^$");

        await IsNotReadyAsync(process, "ACCESS_REFUSED", "configure");
    }

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

    private static async Task IsNotReadyAsync(ServiceProcess process, params string[] words)
    {
        var (status, _) = await Poll.UntilAsync(
            $"a reason with {string.Join(" and ", words)}",
            async () =>
            {
                var (status, body) = await process.HealthAsync("ready");
                return (Status: status, ApiAnswers.Parse<HealthAnswer>(body).Checks["RabbitMQ"].Reason);
            },
            told => words.All(word => told.Reason?.Contains(word, StringComparison.Ordinal) == true)
        );
        Assert.Equal(503, status);
    }

    private static async Task DeclareOtherwiseAsync(string uri)
    {
        await using var connection = await new ConnectionFactory { Uri = new Uri(uri) }.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        await channel.QueueDeclareAsync(
            OrderTopology.Queue,
            durable: true,
            exclusive: false,
            autoDelete: false,
            cancellationToken: Cancel
        );
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
