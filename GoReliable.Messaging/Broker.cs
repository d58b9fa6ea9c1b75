using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace GoReliable.Messaging;

/// <summary>The connections of a service with the broker, one for each use. They may not exist yet.</summary>
/// <remarks>
/// A broker that is short of memory or disk stops reading from connections that publish, and a message that the client
/// library cannot decode ends the connection on which it came. So publishing, consuming and watching have a connection
/// each. Only background work may wait for them; code that serves requests may not.
/// </remarks>
public sealed partial class Broker(IConnectionFactory factory, ILogger<Broker> logger, TimeProvider time)
    : IAsyncDisposable
{
    /// <summary>
    /// For a channel that publishes: a publication ends with the broker's answer, which needs both. No rate limiter:
    /// callers bound what is in flight, and a window as large as the limiter stalls the client.
    /// </summary>
    public static CreateChannelOptions Confirms { get; } =
        new(
            publisherConfirmationsEnabled: true,
            publisherConfirmationTrackingEnabled: true,
            outstandingPublisherConfirmationsRateLimiter: null
        );

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Use> uses = new();

    // Callers whose first try failed.
    private int waiting;

    // Shared by all who wait, so that an outage is one line in the log and not one for each.
    private bool isUnreachable;
    private readonly Lock stateLock = new();

    // By use: the broker blocks a connection that publishes, and the end of another one does not change that.
    private readonly Dictionary<string, string> blockedReasons = [];

    /// <summary>Whether the broker is there: a connection is open, and nobody waits for another one.</summary>
    public bool IsConnected => Volatile.Read(ref waiting) == 0 && IsAnyOpen;

    /// <summary>
    /// Why the broker takes no messages now, in its own words, such as "low on memory"; null when it takes them.
    /// </summary>
    public string? BlockedReason { get; private set; }

    /// <summary>
    /// What the broker refuses of what the service needs, in its own words; null if it refuses nothing.
    /// </summary>
    public string? RefusedReason { get; private set; }

    /// <summary>Where the broker is, and how to log in.</summary>
    public ConnectionFactory Server => (ConnectionFactory)factory;

    private bool IsAnyOpen => uses.Values.Any(use => use.Connection is { IsOpen: true });

    /// <summary>Whether the service had all that it needs at least once.</summary>
    public bool WasDeclared { get; private set; }

    /// <summary>Gives the connection that is open, or opens another one: at once, then every second.</summary>
    /// <param name="use">What it is for, in a word; the broker's management shows it.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="OperationCanceledException">The service stops.</exception>
    public async Task<IConnection> ConnectAsync(string use, CancellationToken cancellationToken)
    {
        var isWaiting = false;
        try
        {
            while (true)
            {
                try
                {
                    var connection = await OpenAsync(use, cancellationToken);
                    NoteConnected();
                    return connection;
                }
                catch (BrokerUnreachableException exception)
                {
                    NoteUnreachable(Explain(exception.InnerException ?? exception));
                }
                if (!isWaiting)
                    Interlocked.Increment(ref waiting);
                isWaiting = true;
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
        finally
        {
            if (isWaiting)
                Interlocked.Decrement(ref waiting);
        }
    }

    /// <summary>
    /// Declares what the service needs of <see cref="OrderTopology"/>. If the broker refuses it, because it exists with
    /// other settings or a right is missing, the health check says so.
    /// </summary>
    /// <exception cref="OperationInterruptedException">It was refused.</exception>
    public async Task DeclareAsync(
        IChannel channel,
        CancellationToken cancellationToken,
        params IEnumerable<TimeSpan> retryDelays
    )
    {
        try
        {
            await OrderTopology.DeclareAsync(channel, cancellationToken, retryDelays);
            (RefusedReason, WasDeclared) = (null, true);
        }
        catch (OperationInterruptedException exception)
            when (exception.ShutdownReason
                    is { ReplyCode: Constants.PreconditionFailed or Constants.AccessRefused } reason
            )
        {
            RefusedReason =
                reason.ReplyCode == Constants.AccessRefused
                    ? $"{reason.ReplyText} (it needs configure, write and read access)"
                    : reason.ReplyText;
            throw;
        }
    }

    /// <summary>One line for the log; the library's messages contain whole stack traces.</summary>
    public static string Explain(Exception exception) =>
        exception switch
        {
            OperationInterruptedException { ShutdownReason: { } reason } => $"{reason.ReplyCode} {reason.ReplyText}",
            OperationCanceledException or TimeoutException => "The broker does not answer.",
            _ => exception.Message,
        };

    /// <summary>
    /// Whether the channel, its connection or the broker is gone. While a connection closes, the client library says
    /// that its own queue is closed, or that an object is disposed.
    /// </summary>
    public static bool IsGone(Exception exception) =>
        exception is OperationInterruptedException or IOException or ObjectDisposedException or ChannelClosedException;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var use in uses.Values)
        {
            if (use.Connection is not null)
                await use.Connection.DisposeAsync();
            use.Opening.Dispose();
        }
    }

    private async Task<IConnection> OpenAsync(string name, CancellationToken cancellationToken)
    {
        var use = uses.GetOrAdd(name, _ => new Use());
        // What is open need not wait for an attempt to open another one.
        if (use.Connection is { IsOpen: true } known)
            return known;
        // One at a time: otherwise two callers could open the same connection twice, and nobody would close one of them.
        await use.Opening.WaitAsync(cancellationToken);
        try
        {
            if (use.Connection is { IsOpen: true } opened)
                return opened;
            var connection = await factory.CreateConnectionAsync(name, cancellationToken);
            await RequireOpenAsync(connection, cancellationToken);
            (var closed, use.Connection) = (use.Connection, connection);
            // The one before may still have to tell of its end, which then says nothing about this one.
            await SetBlocked(name, null);
            connection.ConnectionBlockedAsync += (_, blocked) => SetBlocked(name, blocked.Reason);
            connection.ConnectionUnblockedAsync += (_, _) => SetBlocked(name, null);
            connection.ConnectionShutdownAsync += (_, _) =>
                use.Connection == connection ? SetBlocked(name, null) : Task.CompletedTask;
            if (closed is not null)
                await closed.DisposeAsync();
            return connection;
        }
        finally
        {
            use.Opening.Release();
        }
    }

    // The client library does not wait until the broker has opened the virtual host; a channel does:
    // https://github.com/rabbitmq/rabbitmq-dotnet-client/issues/1999
    private static async Task RequireOpenAsync(IConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        }
        catch (Exception exception)
        {
            await connection.DisposeAsync();
            // It also counts as unreachable when it does not answer.
            if (!cancellationToken.IsCancellationRequested)
                throw new BrokerUnreachableException(exception);
            throw;
        }
    }

    private Task SetBlocked(string use, string? reason)
    {
        lock (stateLock)
        {
            if (reason is null)
                blockedReasons.Remove(use);
            else
                blockedReasons[use] = reason;

            var remaining = blockedReasons.Values.FirstOrDefault();
            if (remaining is not null && BlockedReason is null)
                LogBlocked(remaining);
            if (remaining is null && BlockedReason is not null)
                LogUnblocked();
            BlockedReason = remaining;
        }
        return Task.CompletedTask;
    }

    private void NoteConnected()
    {
        lock (stateLock)
        {
            if (isUnreachable)
                LogConnected();
            isUnreachable = false;
        }
    }

    private void NoteUnreachable(string reason)
    {
        lock (stateLock)
        {
            // A connection that ends alone is no outage, and another waiter may have got through meanwhile.
            if (isUnreachable || IsAnyOpen)
                return;
            isUnreachable = true;
            LogUnreachable(reason);
        }
    }

    private sealed class Use
    {
        public SemaphoreSlim Opening { get; } = new(1);

        public IConnection? Connection { get; set; }
    }

    [LoggerMessage(
        EventName = "broker.unreachable",
        Level = LogLevel.Warning,
        Message = "Broker unreachable, trying again every second: {Reason}"
    )]
    private partial void LogUnreachable(string reason);

    [LoggerMessage(EventName = "broker.connected", Level = LogLevel.Information, Message = "Broker connected")]
    private partial void LogConnected();

    [LoggerMessage(
        EventName = "broker.blocked",
        Level = LogLevel.Warning,
        Message = "The broker blocks publishing: {Reason}"
    )]
    private partial void LogBlocked(string reason);

    [LoggerMessage(
        EventName = "broker.unblocked",
        Level = LogLevel.Information,
        Message = "The broker no longer blocks publishing"
    )]
    private partial void LogUnblocked();
}
