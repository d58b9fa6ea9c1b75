using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace GoReliable.Tests.InProcess.Lifecycle;

/// <summary>A broker as the client library shows it: it lets everybody in, and confirms nothing by itself.</summary>
internal sealed class FakeBroker
{
    private static readonly ShutdownEventArgs End = new(ShutdownInitiator.Peer, Constants.ConnectionForced, "closed");

    /// <summary>How many of the next tries to connect fail.</summary>
    public int Failures { get; set; }

    /// <summary>How many of the next connections are refused a virtual host.</summary>
    public int Refusals { get; set; }

    /// <summary>How often somebody tried to connect.</summary>
    public int Tries { get; private set; }

    /// <summary>The connections that were opened.</summary>
    public List<Connection> Connections { get; } = [];

    /// <summary>Confirms the publication with the same place.</summary>
    public List<TaskCompletionSource> Published { get; } = [];

    /// <summary>Where it is.</summary>
    public IConnectionFactory Factory => Fake.Of<IConnectionFactory>((_, _) => Task.FromResult(Connect().Client));

    private Connection Connect()
    {
        Tries++;
        if (Failures-- > 0)
            throw new BrokerUnreachableException(new IOException("Nobody listens."));
        Connections.Add(new(this, isRefused: Refusals-- > 0));
        return Connections[^1];
    }

    private Task PublishAsync()
    {
        Published.Add(new());
        return Published[^1].Task;
    }

    private object? AnswerOnChannel(string method, object?[] arguments) =>
        method switch
        {
            nameof(IChannel.BasicPublishAsync) => new ValueTask(PublishAsync()),
            nameof(IChannel.QueueDeclareAsync) => Task.FromResult(new QueueDeclareOk("", 0, 0)),
            nameof(IChannel.ExchangeDeclareAsync) or nameof(IChannel.QueueBindAsync) => Task.CompletedTask,
            nameof(IAsyncDisposable.DisposeAsync) => ValueTask.CompletedTask,
            _ => method == $"get_{nameof(IChannel.IsOpen)}" ? true : null,
        };

    /// <summary>A connection that is open until a test says otherwise.</summary>
    internal sealed class Connection
    {
        private readonly Dictionary<string, Delegate> handlers = [];

        public Connection(FakeBroker broker, bool isRefused) =>
            Client = Fake.Of<IConnection>((method, arguments) => Answer(method, arguments, broker, isRefused));

        public IConnection Client { get; }

        public bool IsOpen { get; set; } = true;

        public bool IsDisposed { get; private set; }

        public Task BlockAsync(string reason) =>
            RaiseAsync(nameof(IConnection.ConnectionBlockedAsync), new ConnectionBlockedEventArgs(reason));

        public Task UnblockAsync() => RaiseAsync(nameof(IConnection.ConnectionUnblockedAsync), new AsyncEventArgs());

        public Task EndAsync() => RaiseAsync(nameof(IConnection.ConnectionShutdownAsync), End);

        private Task RaiseAsync<T>(string @event, T arguments)
            where T : AsyncEventArgs => ((AsyncEventHandler<T>)handlers[@event])(this, arguments);

        private object? Answer(string method, object?[] arguments, FakeBroker broker, bool isRefused)
        {
            switch (method)
            {
                case $"get_{nameof(IConnection.IsOpen)}":
                    return IsOpen;
                case $"get_{nameof(IConnection.Endpoint)}":
                    return new AmqpTcpEndpoint();
                case nameof(IConnection.CreateChannelAsync):
                    return isRefused
                        ? Task.FromException<IChannel>(new OperationInterruptedException(End))
                        : Task.FromResult(Fake.Of<IChannel>(broker.AnswerOnChannel));
                case nameof(IAsyncDisposable.DisposeAsync):
                    IsDisposed = true;
                    return ValueTask.CompletedTask;
                default:
                    // All others are events that get a handler.
                    handlers[method.Replace("add_", "")] = (Delegate)arguments[0]!;
                    return null;
            }
        }
    }
}
