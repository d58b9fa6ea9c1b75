using System.Reflection;
using GoReliable.Messaging;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Time.Testing;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace GoReliable.Tests.InProcess.Lifecycle;

public sealed class BrokerTests
{
    private static readonly ShutdownEventArgs End = new(ShutdownInitiator.Peer, Constants.ConnectionForced, "closed");

    [Fact]
    public async Task A_broker_that_is_away_for_an_hour_is_waited_for_and_logged_once()
    {
        const int Tries = 3600;
        var time = new FakeTimeProvider();
        var events = new LoggedEvents<Broker>();
        var services = new Services(failures: Tries);
        var broker = new Broker(services, events, time);

        var waiting = new[]
        {
            broker.ConnectAsync("one", TestContext.Current.CancellationToken),
            broker.ConnectAsync("one", TestContext.Current.CancellationToken),
        };
        while (!waiting.All(task => task.IsCompleted))
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Same(await waiting[0], await waiting[1]);
        Assert.True(broker.IsConnected);
        Assert.True(services.Asked > Tries);
        Assert.Equal(["broker.unreachable", "broker.connected"], events.Names);
    }

    [Fact]
    public async Task The_end_of_another_connection_does_not_unblock_the_one_that_is_blocked()
    {
        var events = new LoggedEvents<Broker>();
        var broker = new Broker(new Services(failures: 0), events, new FakeTimeProvider());
        var publish = (Open)(object)await broker.ConnectAsync("publish", TestContext.Current.CancellationToken);
        var consume = (Open)(object)await broker.ConnectAsync("consume", TestContext.Current.CancellationToken);

        await publish.RaiseAsync("ConnectionBlockedAsync", new ConnectionBlockedEventArgs("low on memory"));
        await consume.RaiseAsync("ConnectionShutdownAsync", End);

        Assert.Equal("low on memory", broker.BlockedReason);
        Assert.Equal(["broker.blocked"], events.Names);

        await publish.RaiseAsync("ConnectionShutdownAsync", End);

        Assert.Null(broker.BlockedReason);
        Assert.Equal(["broker.blocked", "broker.unblocked"], events.Names);
    }

    [Fact]
    public async Task Each_outage_is_logged_once_and_so_is_its_end()
    {
        var time = new FakeTimeProvider();
        var events = new LoggedEvents<Broker>();
        var broker = new Broker(new Services(failures: 0), events, time);
        var publish = (Open)(object)await broker.ConnectAsync("publish", TestContext.Current.CancellationToken);
        var consume = (Open)(object)await broker.ConnectAsync("consume", TestContext.Current.CancellationToken);
        var expected = new List<string>();

        for (var outage = 1; outage <= 2; outage++)
        {
            // One connection that ends alone is no outage.
            publish.IsOpen = false;
            var publishing = broker.ConnectAsync("publish", TestContext.Current.CancellationToken);
            Assert.Equal(expected, events.Names);

            consume.IsOpen = false;
            var consuming = broker.ConnectAsync("consume", TestContext.Current.CancellationToken);
            time.Advance(TimeSpan.FromSeconds(1));
            expected.Add("broker.unreachable");
            Assert.Equal(expected, events.Names);

            (publish.IsOpen, consume.IsOpen) = (true, true);
            var connected = Task.WhenAll(publishing, consuming);
            await Poll.UntilAsync(
                "both connections",
                () =>
                {
                    time.Advance(TimeSpan.FromSeconds(1));
                    return Task.FromResult(connected.IsCompleted);
                },
                done => done
            );
            expected.Add("broker.connected");
            Assert.Equal(expected, events.Names);
        }
    }

    [Fact]
    public async Task A_connection_that_the_client_library_does_not_recover_is_replaced()
    {
        var time = new FakeTimeProvider();
        var broker = new Broker(new Services(failures: 0), new LoggedEvents<Broker>(), time);
        var lost = (Open)(object)await broker.ConnectAsync("publish", TestContext.Current.CancellationToken);
        lost.IsOpen = false;
        await lost.RaiseAsync("ConnectionShutdownAsync", End);

        var connecting = broker.ConnectAsync("publish", TestContext.Current.CancellationToken);
        for (var second = 1; second < 30; second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.False(connecting.IsCompleted);
        Assert.False(lost.IsDisposed);

        await Poll.UntilAsync(
            "another connection",
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(connecting.IsCompleted);
            },
            done => done
        );
        Assert.NotSame(lost, await connecting);
        Assert.True(lost.IsDisposed);
        Assert.True(broker.IsConnected);
    }

    private sealed class Services : IServiceProvider
    {
        private readonly IConnectionFactory factory = DispatchProxy.Create<IConnectionFactory, Factory>();
        private int asked;

        public Services(int failures) =>
            ((Factory)factory).Connect = () =>
                ++asked > failures
                    ? DispatchProxy.Create<IConnection, Open>()
                    : throw new BrokerUnreachableException(new IOException("Nobody listens."));

        public int Asked => asked;

        public object? GetService(Type serviceType) => factory;
    }

    /// <summary>Opens connections, and no more. Public and not sealed, as a proxy must be.</summary>
    public class Factory : DispatchProxy
    {
        public Func<IConnection> Connect { get; set; } = null!;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => Task.FromResult(Connect());
    }

    /// <summary>A connection that is open and has events. Public and not sealed, as a proxy must be.</summary>
    public class Open : DispatchProxy
    {
        private const string Subscribe = "add_";
        private readonly Dictionary<string, Delegate> handlers = [];

        public Task RaiseAsync<T>(string @event, T arguments)
            where T : AsyncEventArgs => ((AsyncEventHandler<T>)handlers[@event])(this, arguments);

        public bool IsOpen { get; set; } = true;

        public bool IsDisposed { get; private set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            targetMethod!.Name switch
            {
                $"get_{nameof(IConnection.IsOpen)}" => IsOpen,
                $"get_{nameof(IConnection.CloseReason)}" => IsOpen ? null : End,
                var name when name.StartsWith(Subscribe, StringComparison.Ordinal) => Add(
                    name[Subscribe.Length..],
                    (Delegate)args![0]!
                ),
                nameof(IAsyncDisposable.DisposeAsync) => Dispose(),
                var name => throw new NotSupportedException(name),
            };

        private object Dispose()
        {
            IsDisposed = true;
            return default(ValueTask);
        }

        private object? Add(string @event, Delegate handler)
        {
            handlers[@event] = handler;
            return null;
        }
    }
}
