using System.Diagnostics.Metrics;
using System.Reflection;
using GoReliable.Messaging;
using GoReliable.Orders;
using GoReliable.Orders.Outbox;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace GoReliable.Tests.InProcess.Outbox;

/// <summary>What the relay makes of a broker that does not confirm, or not everything.</summary>
public sealed class OutboxPublisherTests : IAsyncDisposable
{
    private readonly FakeTimeProvider time = new();
    private readonly SilentBroker server;
    private readonly ServiceProvider services;
    private readonly Broker broker;

    public OutboxPublisherTests()
    {
        var factory = DispatchProxy.Create<IConnectionFactory, SilentBroker>();
        server = (SilentBroker)(object)factory;
        services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        broker = new Broker(factory, NullLogger<Broker>.Instance, time);
    }

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
        await server.Blocked!(this, new ConnectionBlockedEventArgs("low on memory"));
        for (var i = 0; i < 10; i++)
            time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(publishing.IsCompleted);

        // Then it has its time to confirm.
        await server.Unblocked!(this, new AsyncEventArgs());
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
        await server.Blocked!(this, new ConnectionBlockedEventArgs("low on memory"));

        await stop.CancelAsync();
        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal(PublishKind.Unknown, Assert.Single(await publishing).Kind);
        Assert.Equal("The broker blocks publishing: low on memory", publisher.UnknownReason);
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

    /// <summary>
    /// Factory, connection and channel of a broker that takes everything and confirms nothing by itself. Public and not
    /// sealed, as a proxy must be.
    /// </summary>
    public class SilentBroker : DispatchProxy
    {
        private SilentBroker? root;

        /// <summary>Confirms the publication with the same place.</summary>
        public List<TaskCompletionSource> Published { get; } = [];

        /// <summary>Tells the client that the broker takes no messages now.</summary>
        public AsyncEventHandler<ConnectionBlockedEventArgs>? Blocked { get; private set; }

        /// <summary>Tells the client that it takes messages again.</summary>
        public AsyncEventHandler<AsyncEventArgs>? Unblocked { get; private set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            var all = root ?? this;
            switch (targetMethod!.Name)
            {
                case nameof(IConnectionFactory.CreateConnectionAsync):
                    return Task.FromResult(Child<IConnection>(all));
                case nameof(IConnection.CreateChannelAsync):
                    return Task.FromResult(Child<IChannel>(all));
                case nameof(IChannel.BasicPublishAsync):
                    all.Published.Add(new TaskCompletionSource());
                    return new ValueTask(all.Published[^1].Task);
                case $"add_{nameof(IConnection.ConnectionBlockedAsync)}":
                    all.Blocked = (AsyncEventHandler<ConnectionBlockedEventArgs>)args![0]!;
                    return null;
                case $"add_{nameof(IConnection.ConnectionUnblockedAsync)}":
                    all.Unblocked = (AsyncEventHandler<AsyncEventArgs>)args![0]!;
                    return null;
                case $"get_{nameof(IChannel.IsOpen)}":
                    return true;
                case $"get_{nameof(IConnection.Endpoint)}":
                    return new AmqpTcpEndpoint();
                case nameof(IChannel.QueueDeclareAsync):
                    return Task.FromResult(new QueueDeclareOk("", 0, 0));
                case nameof(IChannel.ExchangeDeclareAsync) or nameof(IChannel.QueueBindAsync):
                    return Task.CompletedTask;
                case nameof(IAsyncDisposable.DisposeAsync):
                    return ValueTask.CompletedTask;
                case var name when name.StartsWith("add_", StringComparison.Ordinal):
                    return null;
                case var name:
                    throw new NotSupportedException(name);
            }
        }

        private static T Child<T>(SilentBroker all)
            where T : class
        {
            var child = Create<T, SilentBroker>();
            ((SilentBroker)(object)child).root = all;
            return child;
        }
    }
}
