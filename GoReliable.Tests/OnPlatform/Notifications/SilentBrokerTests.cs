using System.Net;
using GoReliable.Messaging;
using GoReliable.Notifications.DeadLetters;
using GoReliable.Notifications.Messages;
using GoReliable.Notifications.Retrying;
using GoReliable.ServiceDefaults.Identity;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>The connection with the broker is open, and nothing that the broker answers arrives.</summary>
[Collection(ServersOnly.Name)]
public sealed class SilentBrokerTests(ServersOnly servers) : IAsyncLifetime
{
    // Long enough for the message to stay in its retry queue.
    private static readonly RetryPlan Plan = new(
        Options.Create(new RetryOptions { Delays = [TimeSpan.FromHours(12)] })
    );

    private readonly GoReliablePlatform platform = servers.Platform;
    private readonly TcpProxy network = new();
    private Broker broker = null!;
    private Publisher publisher = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var server = new Uri(await platform.ConnectionStringAsync("messaging"));
        network.Target = new DnsEndPoint(server.Host, server.Port);
        broker = await ServiceBroker.OfAsync(platform, network.Port, TimeSpan.FromSeconds(1));
        publisher = new Publisher(broker, TimeProvider.System);
        await broker.ConnectAsync("publish", Cancel);
        network.StallAnswers();
    }

    public async ValueTask DisposeAsync()
    {
        network.Resume();
        await publisher.DisposeAsync();
        await broker.DisposeAsync();
        await network.DisposeAsync();
    }

    [Fact]
    public async Task A_failed_message_is_forwarded_once_the_broker_answers_again()
    {
        var events = new LoggedEvents<Forwarder>();
        var forwarder = new Forwarder(publisher, Plan, events, TimeProvider.System);
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        await OrderTopology.DeclareAsync(channel, Cancel, Plan.Queues);
        var queue = OrderTopology.RetryQueue(Plan.Queues[0]);

        var forwarding = forwarder.DeferAsync(Events.Message(), CancellationToken.None);
        await Poll.UntilAsync(
            "a failed try in the log",
            () => Task.FromResult(events.Names),
            names => names.Contains("notification.forward_failed")
        );
        network.Resume();
        await forwarding.WaitAsync(TimeSpan.FromSeconds(30), Cancel);

        Assert.Equal(1u, await channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false, Cancel));
    }

    [Fact]
    public async Task A_redrive_is_refused_and_the_letter_stays()
    {
        await using var database = await OwnDatabase.CreateAsync(platform, "Notifications");
        var redriver = new Redriver(
            broker,
            publisher,
            database.Source,
            NullLogger<Redriver>.Instance,
            TimeProvider.System
        );
        await DeadLetterTable.StoreAsync(database.Source, [Letter()], Cancel);

        await Assert.ThrowsAsync<BrokerUnavailableException>(() =>
            redriver.RedriveAsync(new(Ids: null, All: true, Reason: null, UpTo: null), new OperatorId("o"), Cancel)
        );

        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM dead_letters"));
    }

    private static DeadLetter Letter()
    {
        var raw = new RawMessage(1, Redelivered: false, "", "", [0, 0], "no event"u8.ToArray());
        var (message, problem) = raw.Decode(isDeadLetter: true);
        return DeadLetter.Of(raw, message, problem, Events.Time);
    }
}
