using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace GoReliable.ServiceDefaults.Messaging;

/// <summary>The way to the one broker connection of a service, which may not exist yet.</summary>
/// <remarks>
/// Resolving <see cref="IConnection"/> connects, blocks meanwhile and throws when the broker is away. Nothing that
/// serves requests may depend on that, so only background work asks, here, for as long as it takes.
/// </remarks>
public sealed partial class Broker(IServiceProvider services, ILogger<Broker> logger, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private IConnection? connection;

    // Shared by all who wait, so that an outage is one line in the log and not one for each.
    private bool away;
    private readonly Lock saying = new();

    /// <summary>Whether the connection is up now.</summary>
    public bool IsConnected => connection is { IsOpen: true };

    /// <summary>Waits for the connection: for the first one, or for the client library to recover it.</summary>
    /// <exception cref="OperationCanceledException">The service stops.</exception>
    public async Task<IConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                connection ??= await Task.Run(services.GetRequiredService<IConnection>, cancellationToken).WaitAsync(cancellationToken);
                if (connection.IsOpen)
                {
                    SayConnected();
                    return connection;
                }
            }
            catch (BrokerUnreachableException exception)
            {
                SayUnreachable(exception.InnerException?.Message ?? exception.Message);
            }
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private void SayConnected()
    {
        lock (saying)
        {
            if (away)
                LogConnected();
            away = false;
        }
    }

    private void SayUnreachable(string reason)
    {
        lock (saying)
        {
            // Another waiter may have got through meanwhile.
            if (away || connection is not null)
                return;
            away = true;
            LogUnreachable(reason);
        }
    }

    [LoggerMessage(EventName = "broker.unreachable", Level = LogLevel.Warning, Message = "Broker unreachable, trying again every second: {Reason}")]
    private partial void LogUnreachable(string reason);

    [LoggerMessage(EventName = "broker.connected", Level = LogLevel.Information, Message = "Broker connected")]
    private partial void LogConnected();
}
