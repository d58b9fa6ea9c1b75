using System.Diagnostics.Metrics;
using System.Threading.Channels;
using GoReliable.Messaging;
using GoReliable.Orders;
using GoReliable.Orders.Outbox;
using GoReliable.Tests.InProcess.Lifecycle;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace GoReliable.Tests.InProcess.Outbox;

/// <summary>What the relay makes of a broker that does not confirm, or not everything.</summary>
public sealed class OutboxPublisherTests : IAsyncDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly FakeBroker server = new();
    private readonly ServiceProvider services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Broker broker;

    public OutboxPublisherTests() => broker = new(server.Factory, NullLogger<Broker>.Instance, time);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_confirmed_counts_also_where_the_rest_of_the_batch_was_not()
    {
        await using var publisher = await OpenAsync();

        var publishing = publisher.PublishAsync([Message(1), Message(2)], Cancel);
        server.Published[0].SetResult();
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal([PublishKind.Confirmed, PublishKind.Unknown], (await publishing).Select(outcome => outcome.Kind));
        Assert.Equal("The broker did not confirm everything within 10 s.", publisher.UnknownReason);
    }

    [Fact]
    public async Task While_the_broker_blocks_publishing_nothing_is_given_up()
    {
        await using var publisher = await OpenAsync();
        var publishing = publisher.PublishAsync([Message(1)], Cancel);
        await server.Connections.Single().BlockAsync("low on memory");
        for (var i = 0; i < 10; i++)
            time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(publishing.IsCompleted);

        // Then it has its time to confirm.
        await server.Connections.Single().UnblockAsync();
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(publishing.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(PublishKind.Unknown, Assert.Single(await publishing).Kind);
    }

    [Fact]
    public async Task Orders_can_stop_while_the_broker_blocks_publishing()
    {
        await using var publisher = await OpenAsync();
        using var stop = new CancellationTokenSource();
        var publishing = publisher.PublishAsync([Message(1)], stop.Token);
        await server.Connections.Single().BlockAsync("low on memory");

        await stop.CancelAsync();
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(PublishKind.Unknown, Assert.Single(await publishing).Kind);
        Assert.Equal("The broker blocks publishing: low on memory", publisher.UnknownReason);
    }

    [Fact]
    public async Task A_connection_that_closes_is_no_failure_of_the_event()
    {
        await using var publisher = await OpenAsync();

        var publishing = publisher.PublishAsync([Message(1)], Cancel);
        // What the client library says before it calls the channel closed.
        server.Published[0].SetException(new ChannelClosedException());

        Assert.Equal(PublishKind.Unknown, Assert.Single(await publishing).Kind);
    }

    public async ValueTask DisposeAsync()
    {
        await broker.DisposeAsync();
        await services.DisposeAsync();
    }

    private Task<OutboxPublisher> OpenAsync() =>
        OutboxPublisher.OpenAsync(broker, new Telemetry(services.GetRequiredService<IMeterFactory>()), time, Cancel);

    private static OutboxMessage Message(long id) =>
        new(id, Guid.CreateVersion7(), Guid.CreateVersion7(), "order.created", [], null, null, 0, IsSetAside: false);
}
