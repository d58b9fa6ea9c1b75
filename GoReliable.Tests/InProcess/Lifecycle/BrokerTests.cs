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
        var server = new Server(failures: Tries);
        var broker = new Broker(server.Factory, events, time);

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
        Assert.True(server.Asked > Tries);
        Assert.Equal(["broker.unreachable", "broker.connected"], events.Names);
    }

    [Fact]
    public async Task The_end_of_another_connection_does_not_unblock_the_one_that_is_blocked()
    {
        var events = new LoggedEvents<Broker>();
        var broker = new Broker(new Server(failures: 0).Factory, events, new FakeTimeProvider());
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
    public async Task Whether_publishing_is_blocked_is_said_by_the_connection_that_took_the_place_of_another()
    {
        var broker = new Broker(new Server(failures: 0).Factory, new LoggedEvents<Broker>(), new FakeTimeProvider());
        var ended = (Open)(object)await broker.ConnectAsync("publish", TestContext.Current.CancellationToken);
        await ended.RaiseAsync("ConnectionBlockedAsync", new ConnectionBlockedEventArgs("low on memory"));
        ended.IsOpen = false;

        var next = (Open)(object)await broker.ConnectAsync("publish", TestContext.Current.CancellationToken);
        Assert.Null(broker.BlockedReason);

        await next.RaiseAsync("ConnectionBlockedAsync", new ConnectionBlockedEventArgs("low on disk"));
        await ended.RaiseAsync("ConnectionShutdownAsync", End);
        Assert.Equal("low on disk", broker.BlockedReason);
    }

    [Fact]
    public async Task Each_outage_is_logged_once_and_so_is_its_end()
    {
        var time = new FakeTimeProvider();
        var events = new LoggedEvents<Broker>();
        var server = new Server(failures: 0);
        var broker = new Broker(server.Factory, events, time);
        var expected = new List<string>();
        Assert.False(broker.IsConnected);

        for (var outage = 1; outage <= 2; outage++)
        {
            var publish = (Open)(object)await broker.ConnectAsync("publish", TestContext.Current.CancellationToken);
            var consume = (Open)(object)await broker.ConnectAsync("consume", TestContext.Current.CancellationToken);
            server.Fail(times: 3);

            // One connection that ends alone is no outage, but somebody waits for it.
            publish.IsOpen = false;
            Assert.True(broker.IsConnected);
            var publishing = broker.ConnectAsync("publish", TestContext.Current.CancellationToken);
            Assert.False(broker.IsConnected);
            Assert.Equal(expected, events.Names);

            consume.IsOpen = false;
            var consuming = broker.ConnectAsync("consume", TestContext.Current.CancellationToken);
            expected.Add("broker.unreachable");
            Assert.Equal(expected, events.Names);

            await AdvanceUntilAsync(time, Task.WhenAll(publishing, consuming));
            expected.Add("broker.connected");
            Assert.Equal(expected, events.Names);
            Assert.True(broker.IsConnected);
        }
    }

    [Fact]
    public async Task A_connection_that_ended_is_replaced_at_once_by_whoever_needs_it()
    {
        var time = new FakeTimeProvider();
        var broker = new Broker(new Server(failures: 0).Factory, new LoggedEvents<Broker>(), time);
        var ended = (Open)(object)await broker.ConnectAsync("publish", TestContext.Current.CancellationToken);
        ended.IsOpen = false;

        var next = await broker.ConnectAsync("publish", TestContext.Current.CancellationToken);

        Assert.NotSame(ended, next);
        Assert.True(ended.IsDisposed);
        Assert.True(broker.IsConnected);
    }

    // The client library says that it is connected before the broker has opened the virtual host.
    [Fact]
    public async Task A_broker_that_refuses_the_virtual_host_is_unreachable()
    {
        var time = new FakeTimeProvider();
        var events = new LoggedEvents<Broker>();
        var server = new Server(failures: 0) { Refusals = 2 };
        var broker = new Broker(server.Factory, events, time);

        var connecting = broker.ConnectAsync("publish", TestContext.Current.CancellationToken);
        Assert.False(broker.IsConnected);
        await AdvanceUntilAsync(time, connecting);

        Assert.Equal(3, server.Asked);
        Assert.Equal(["broker.unreachable", "broker.connected"], events.Names);
    }

    [Fact]
    public async Task Nobody_waits_any_more_for_a_connection_that_was_given_up()
    {
        var server = new Server(failures: 0);
        var broker = new Broker(server.Factory, new LoggedEvents<Broker>(), new FakeTimeProvider());
        await broker.ConnectAsync("consume", TestContext.Current.CancellationToken);
        server.Fail(times: 1);
        using var giveUp = new CancellationTokenSource();
        var publishing = broker.ConnectAsync("publish", giveUp.Token);
        Assert.False(broker.IsConnected);

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing);
        Assert.True(broker.IsConnected);
    }

    private static Task<bool> AdvanceUntilAsync(FakeTimeProvider time, Task ended) =>
        Poll.UntilAsync(
            "the end",
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(ended.IsCompleted);
            },
            done => done
        );

    private sealed class Server
    {
        private int failures;

        public Server(int failures)
        {
            this.failures = failures;
            ((Connections)Factory).Connect = () =>
                ++Asked > 0 && this.failures-- > 0
                    ? throw new BrokerUnreachableException(new IOException("Nobody listens."))
                    : Connection();
        }

        public IConnectionFactory Factory { get; } = DispatchProxy.Create<IConnectionFactory, Connections>();

        public int Asked { get; private set; }

        /// <summary>How many of the next connections are refused a virtual host.</summary>
        public int Refusals { get; set; }

        public void Fail(int times) => failures = times;

        private IConnection Connection()
        {
            var connection = DispatchProxy.Create<IConnection, Open>();
            ((Open)connection).IsRefused = Refusals-- > 0;
            return connection;
        }
    }

    /// <summary>Opens connections, and no more. Public and not sealed, as a proxy must be.</summary>
    public class Connections : DispatchProxy
    {
        public Func<IConnection> Connect { get; set; } = null!;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => Task.FromResult(Connect());
    }

    /// <summary>Can be disposed of. Public and not sealed, as a proxy must be.</summary>
    public class Channel : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => default(ValueTask);
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

        /// <summary>Whether the broker does not open the virtual host.</summary>
        public bool IsRefused { get; set; }

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
            targetMethod!.Name switch
            {
                $"get_{nameof(IConnection.IsOpen)}" => IsOpen,
                nameof(IConnection.CreateChannelAsync) => IsRefused
                    ? Task.FromException<IChannel>(new OperationInterruptedException(End))
                    : Task.FromResult(DispatchProxy.Create<IChannel, Channel>()),
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
