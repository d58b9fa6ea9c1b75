using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using GoReliable.Messaging;

namespace GoReliable.Tests.Platform;

/// <summary>
/// A platform whose parts are stopped and started, by one test at a time. Its services wait for nobody when they start,
/// and watch a file of settings. Its worker sends to a mail server that behaves as the test wants, waits five minutes for
/// it, and stops within four seconds.
/// </summary>
public sealed class RestartablePlatform : IAsyncLifetime
{
    /// <summary>Collection of the tests that share it.</summary>
    public const string Name = "restartable platform";

    private static readonly string[] Queues =
    [
        OrderTopology.Queue,
        .. new[] { 1, 10, 60 }.Select(seconds => OrderTopology.RetryQueue(TimeSpan.FromSeconds(seconds))),
    ];

    internal MailServer Server { get; } = new();

    internal SettingsFile Settings { get; } = new();

    public GoReliablePlatform Platform { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await Settings.WriteAsync("{}");
        // With all that the broker has for people, which must listen on the loopback interface only, too.
        Platform = await GoReliablePlatform.StartAsync(brokerManagement: true, configure: builder =>
        {
            foreach (var service in builder.Resources.OfType<ProjectResource>().ToArray())
            {
                foreach (var wait in service.Annotations.OfType<WaitAnnotation>().ToArray())
                    service.Annotations.Remove(wait);
                builder.CreateResourceBuilder(service).WithEnvironment("GORELIABLE_CONFIG", Settings.Path);
            }
            builder
                .CreateResourceBuilder<ProjectResource>("notifications")
                .WithEnvironment("Email__Smtp__Host", "127.0.0.1")
                .WithEnvironment("Email__Smtp__Port", Server.Port.ToString(CultureInfo.InvariantCulture))
                .WithEnvironment("Email__Smtp__Security", "None")
                .WithEnvironment("Delivery__Timeout", "00:04:00")
                // Less than Aspire's own patience, after which it kills.
                .WithEnvironment("Shutdown__Deadline", "00:00:04");
        });
    }

    public async ValueTask DisposeAsync()
    {
        await Platform.DisposeAsync();
        await Server.DisposeAsync();
        Settings.Dispose();
    }

    /// <summary>Starts what a test has stopped.</summary>
    internal async Task ReviveAsync()
    {
        string[] all = ["postgres", "messaging", "gateway", "orders", "notifications"];
        foreach (var ended in all.Where(Platform.HasEnded))
            await Platform.StartAsync(ended);
        foreach (var resource in all)
            await Platform.WaitUntilHealthyAsync(resource);
    }

    /// <summary>The server takes every e-mail at once again, and nothing is left of what tests sent.</summary>
    internal async Task CalmAsync()
    {
        Server.BehaveWell();
        await using var connection = await Platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        using var management = Platform.Management("notifications");
        await Poll.UntilAsync(
            "a worker with nothing to do",
            async () =>
            {
                var purged = 0u;
                foreach (var queue in Queues)
                    purged += await channel.QueuePurgeAsync(queue, TestContext.Current.CancellationToken);
                return purged
                    + (await Exposition.ScrapeAsync(management)).Sum(
                        "goreliable_notification_worker_messages_in_flight"
                    );
            },
            busy => busy == 0
        );
    }
}

[CollectionDefinition(RestartablePlatform.Name)]
public sealed class RestartablePlatformTests : ICollectionFixture<RestartablePlatform>;
