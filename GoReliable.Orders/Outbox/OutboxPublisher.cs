using System.Diagnostics;
using GoReliable.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace GoReliable.Orders.Outbox;

/// <summary>Publishes a batch with every confirm awaited and many in flight.</summary>
internal sealed class OutboxPublisher(
    Broker broker,
    AmqpTcpEndpoint server,
    IChannel channel,
    Telemetry telemetry,
    TimeProvider time
) : IAsyncDisposable
{
    /// <summary>
    /// A broker that does not confirm in this time (half-open connection, a queue without a leader) is given up.
    /// </summary>
    private static readonly TimeSpan ConfirmTimeout = TimeSpan.FromSeconds(10);

    private static readonly PublishOutcome Confirmed = new(PublishKind.Confirmed);
    private static readonly PublishOutcome Refused = new(
        PublishKind.Refused,
        "A queue refused it, probably because it is full"
    );
    private static readonly PublishOutcome HeldBack = new(PublishKind.HeldBack);
    private static readonly PublishOutcome Unknown = new(PublishKind.Unknown);

    /// <summary>
    /// Waits for the broker, opens a channel and declares the topology, so that nothing is unroutable.
    /// </summary>
    public static async Task<OutboxPublisher> OpenAsync(
        Broker broker,
        Telemetry telemetry,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        var connection = await broker.ConnectAsync("publish", cancellationToken);
        var channel = await connection.CreateChannelAsync(Broker.Confirms, cancellationToken);
        try
        {
            var publisher = new OutboxPublisher(broker, connection.Endpoint, channel, telemetry, time);
            await publisher.DeclareAsync(cancellationToken);
            return publisher;
        }
        catch
        {
            await channel.DisposeAsync();
            throw;
        }
    }

    /// <summary>Whether the channel still works.</summary>
    public bool IsOpen => channel.IsOpen;

    /// <summary>Why the channel was closed.</summary>
    public string CloseReason => channel.CloseReason is { } reason ? $"{reason.ReplyCode} {reason.ReplyText}" : "";

    /// <summary>Why messages have an unknown outcome.</summary>
    public string UnknownReason =>
        !IsOpen ? $"The broker closed the channel: {CloseReason}"
        : broker.BlockedReason is { } reason ? $"The broker blocks publishing: {reason}"
        : $"The broker did not confirm everything within {ConfirmTimeout.TotalSeconds} s.";

    /// <summary>
    /// Whether the broker closed the channel because of a message. False if the broker stops, an operator closed the
    /// connection, the exchange is missing (it will be declared again), or we have no right to publish.
    /// </summary>
    public bool IsClosedForMessage =>
        channel.CloseReason
            is {
                Initiator: ShutdownInitiator.Peer,
                ReplyCode: not (Constants.ConnectionForced or Constants.NotFound or Constants.AccessRefused)
            };

    /// <summary>Declares the topology again, in case a part of it was removed.</summary>
    public Task DeclareAsync(CancellationToken cancellationToken) => broker.DeclareAsync(channel, cancellationToken);

    /// <summary>Publishes all of them.</summary>
    /// <param name="messages">In their order.</param>
    /// <param name="stoppingToken">Ends the waiting for a broker that blocks publishing.</param>
    /// <returns>What became of each.</returns>
    public async Task<PublishOutcome[]> PublishAsync(
        IReadOnlyList<OutboxMessage> messages,
        CancellationToken stoppingToken
    )
    {
        var inFlight = new Task<PublishOutcome>[messages.Count];
        var lastOfOrder = new Dictionary<Guid, Task<PublishOutcome>>(messages.Count);
        for (var i = 0; i < messages.Count; i++)
        {
            // Events of one order go one after the other: a later one never overtakes an earlier one that failed.
            lastOfOrder.TryGetValue(messages[i].OrderId, out var before);
            inFlight[i] = lastOfOrder[messages[i].OrderId] = PublishAsync(messages[i], before);
        }

        var all = Task.WhenAll(inFlight);
        while (true)
        {
            var wasBlocked = broker.BlockedReason is not null;
            try
            {
                return await all.WaitAsync(ConfirmTimeout, time, CancellationToken.None);
            }
            catch (TimeoutException)
            {
                // Short of memory or disk, the broker takes what it was sent, only later: sent again, it would be there
                // twice.
                var isBlocked = wasBlocked || broker.BlockedReason is not null;
                if (!isBlocked || !IsOpen || stoppingToken.IsCancellationRequested)
                    return [.. inFlight.Select(task => task.IsCompletedSuccessfully ? task.Result : Unknown)];
            }
        }
    }

    private async Task<PublishOutcome> PublishAsync(OutboxMessage message, Task<PublishOutcome>? before)
    {
        if (before is not null && await before is { IsConfirmed: false } earlier)
            return earlier.Kind == PublishKind.Unknown ? earlier : HeldBack;
        // It was not published, so there is no span and no failure. The relay logs once that the broker is gone.
        if (!channel.IsOpen)
            return Unknown;

        ActivityContext.TryParse(message.TraceParent, message.TraceState, isRemote: true, out var parent);
        using var activity = Telemetry.Source.StartActivity(
            $"publish {OrderTopology.Exchange}:{message.RoutingKey}",
            ActivityKind.Producer,
            parent
        );
        activity
            ?.SetTag("messaging.system", "rabbitmq")
            .SetTag("messaging.operation.name", "publish")
            .SetTag("messaging.operation.type", "send")
            .SetTag("messaging.destination.name", $"{OrderTopology.Exchange}:{message.RoutingKey}")
            .SetTag("messaging.rabbitmq.destination.routing_key", message.RoutingKey)
            .SetTag("messaging.message.id", message.EventId.ToString())
            .SetTag("messaging.message.body.size", message.Body.Length)
            .SetTag("server.address", server.HostName)
            .SetTag("server.port", server.Port)
            .SetTag("goreliable.order.id", message.OrderId.ToString());

        var started = Stopwatch.GetTimestamp();
        var result = Telemetry.PublishResult.Failed;
        try
        {
            await channel.BasicPublishAsync(
                OrderTopology.Exchange,
                message.RoutingKey,
                mandatory: true,
                Properties(message, activity),
                message.Body
            );
            result = Telemetry.PublishResult.Confirmed;
            return Confirmed;
        }
        catch (Exception exception)
        {
            if (exception is PublishReturnException)
                result = Telemetry.PublishResult.Returned;
            activity
                ?.AddException(exception)
                .SetStatus(ActivityStatusCode.Error, exception.Message)
                .SetTag("error.type", exception.GetType().FullName);
            return Outcome(exception);
        }
        finally
        {
            telemetry.Published(result, Stopwatch.GetElapsedTime(started));
        }
    }

    // The client library's own texts contain the number of the message, so they would differ for each message.
    private PublishOutcome Outcome(Exception exception) =>
        exception switch
        {
            PublishReturnException returned => new(PublishKind.Failed, $"{returned.ReplyCode} {returned.ReplyText}"),
            PublishException => Refused,
            OperationCanceledException => Unknown,
            _ when Broker.IsGone(exception) || !channel.IsOpen => Unknown,
            _ => new(PublishKind.Failed, $"{exception.GetType().Name}: {exception.Message}"),
        };

    // One object per message, because the client library changes it.
    private static BasicProperties Properties(OutboxMessage message, Activity? activity)
    {
        var properties = new BasicProperties
        {
            Persistent = true,
            AppId = "orders",
            ContentType = CloudEvents.ContentType,
            MessageId = message.EventId.ToString(),
            Type = CloudEvents.TypeOf(message.RoutingKey),
        };
        if ((activity?.Id ?? message.TraceParent) is { } traceParent)
            properties.Headers = new Dictionary<string, object?> { ["traceparent"] = traceParent };
        if (properties.Headers is not null && message.TraceState is { } traceState)
            properties.Headers["tracestate"] = traceState;
        return properties;
    }

    public ValueTask DisposeAsync() => channel.DisposeAsync();
}
