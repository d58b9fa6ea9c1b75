using System.Text;
using GoReliable.Messaging;
using GoReliable.Notifications.Messages;
using GoReliable.Notifications.Retrying;
using GoReliable.Tests.OnPlatform.Faults;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;

namespace GoReliable.Tests.OnPlatform.Notifications;

/// <summary>One message that the broker does not take must not disturb the others.</summary>
[Collection(ServersOnly.Name)]
public sealed class ForwarderTests(ServersOnly servers) : IAsyncLifetime
{
    private static readonly RetryPlan Plan = new(Options.Create(new RetryOptions()));
    private static readonly Failure Poison = Failure.Poison("rejected", "Summary");

    private readonly GoReliablePlatform platform = servers.Platform;
    private Broker broker = null!;
    private Publisher publisher = null!;
    private IConnection connection = null!;
    private IChannel channel = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        broker = await ServiceBroker.OfAsync(platform);
        publisher = new Publisher(broker, TimeProvider.System);
        connection = await platform.BrokerAsync();
        channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        await OrderTopology.DeclareAsync(channel, Cancel);
        await channel.QueuePurgeAsync(OrderTopology.DeadQueue, Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        await channel.DisposeAsync();
        await connection.DisposeAsync();
        await publisher.DisposeAsync();
        await broker.DisposeAsync();
    }

    // A frame of 128 KiB has room for them, and not for what went wrong as well.
    [Fact]
    public async Task Headers_that_do_not_fit_beside_the_reason_are_left_out()
    {
        var message = Events.Message(
            new Dictionary<string, object?> { ["large"] = new byte[130_950], [MessageHeaders.TraceParent] = "mine" }
        );

        await ForwardAsync(message);

        var dead = await channel.BasicGetAsync(OrderTopology.DeadQueue, autoAck: true, Cancel);
        var headers = dead!.BasicProperties.Headers!;
        Assert.Equal("rejected"u8, (byte[])headers[MessageHeaders.DeadReason]!);
        Assert.Equal("mine"u8, (byte[])headers[MessageHeaders.TraceParent]!);
        Assert.DoesNotContain("large", headers.Keys);
    }

    // As 100 bytes that are not UTF-8 are decoded: each becomes a character that has three.
    [Fact]
    public async Task Properties_that_cannot_be_encoded_again_are_left_out()
    {
        var properties = new BasicProperties { MessageId = new string('\uFFFD', 100), AppId = "theirs" };

        await ForwardAsync(new Message(1, "orders", "order.created", properties, Encoding.UTF8.GetBytes("no event")));

        var dead = (await channel.BasicGetAsync(OrderTopology.DeadQueue, autoAck: true, Cancel))!.BasicProperties;
        Assert.Equal(
            (null, null, CloudEvents.ContentType, true),
            (dead.MessageId, dead.AppId, dead.ContentType, dead.Persistent)
        );
        Assert.Equal("rejected"u8, (byte[])dead.Headers![MessageHeaders.DeadReason]!);
    }

    // The broker still has the message: with a copy there would be two.
    [Fact]
    public async Task Nothing_is_forwarded_when_the_session_is_over()
    {
        await ForwardAsync(Events.Message());

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            ForwardAsync(Events.Message(), isSessionOver: true)
        );

        // What was sent before arrives before.
        await ForwardAsync(Events.Message());
        Assert.Equal(2u, await channel.QueuePurgeAsync(OrderTopology.DeadQueue, Cancel));
    }

    [Fact]
    public async Task What_one_queue_refuses_does_not_send_what_others_take_twice()
    {
        const int Dead = 200;
        await channel.QueueDeclareAsync(
            "full",
            durable: false,
            exclusive: false,
            autoDelete: false,
            new Dictionary<string, object?> { ["x-max-length"] = 1, ["x-overflow"] = "reject-publish" },
            cancellationToken: Cancel
        );
        await PublishAsync("full");
        using var over = new CancellationTokenSource();
        var refused = Enumerable.Range(0, 20).Select(_ => RefuseAsync(over.Token)).ToArray();

        await Task.WhenAll(Enumerable.Range(0, Dead).Select(_ => ForwardAsync(Events.Message())));

        await over.CancelAsync();
        await Task.WhenAll(refused);
        await channel.QueueDeleteAsync("full", ifUnused: false, ifEmpty: false, Cancel);
        Assert.Equal((uint)Dead, await channel.QueuePurgeAsync(OrderTopology.DeadQueue, Cancel));
    }

    // The broker keeps what it could not hand on for as long as the channel lives.
    [Fact]
    public async Task A_queue_without_a_leader_has_no_copies_when_there_is_one_again()
    {
        Assert.SkipUnless(
            RabbitMqControl.IsAvailable(platform),
            "Only the queues of a broker that is a process of this machine can be without a leader."
        );
        var delay = TimeSpan.FromHours(11);
        var queue = OrderTopology.RetryQueue(delay);
        var leader = $"{{list_to_atom(\"%2F_{queue}\"), node()}}";
        await OrderTopology.DeclareAsync(channel, Cancel, delay);
        // A channel that has never known a leader is refused at once.
        await PublishAsync(queue);
        await RabbitMqControl.EvaluateAsync(platform, $"ok = ra:stop_server(quorum_queues, {leader}).");

        await Assert.ThrowsAsync<TimeoutException>(() => PublishAsync(queue));
        Assert.False(await IsTakenAsync(queue));
        await RabbitMqControl.EvaluateAsync(platform, $"ok = ra:restart_server(quorum_queues, {leader}).");
        await Poll.UntilAsync("a queue that takes it", () => IsTakenAsync(queue), taken => taken);

        Assert.Equal(2u, await channel.QueueDeleteAsync(queue, ifUnused: false, ifEmpty: false, Cancel));
    }

    private async Task<bool> IsTakenAsync(string queue)
    {
        try
        {
            await PublishAsync(queue);
            return true;
        }
        catch (Exception exception) when (Publisher.IsBrokerFailure(exception, Cancel))
        {
            return false;
        }
    }

    private Task PublishAsync(string queue) => publisher.PublishAsync(queue, new BasicProperties(), default, Cancel);

    private async Task RefuseAsync(CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            try
            {
                await publisher.PublishAsync("full", new BasicProperties(), default, over);
            }
            catch (Exception exception) when (Publisher.IsBrokerFailure(exception, CancellationToken.None))
            {
                // Again.
            }
        }
    }

    private async Task ForwardAsync(Message message, bool isSessionOver = false)
    {
        var forwarder = new Forwarder(publisher, Plan, new LoggedEvents<Forwarder>(), TimeProvider.System);
        await forwarder
            .ForwardAsync(message, Poison, new CancellationToken(isSessionOver))
            .WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }
}
