using GoReliable.Messaging;
using GoReliable.Tests.OnPlatform.Poison;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

internal sealed partial record Fault
{
    public static Fault BrokerKilled =>
        new("broker killed", KillBrokerAsync, platform => ReviveAsync(platform, "messaging"));

    /// <summary>The same when it has a batch of events, and its confirms get lost with it.</summary>
    public static Fault BrokerKilledMidBatch =>
        new(
            "broker killed mid-batch",
            async platform =>
            {
                using var orders = platform.Platform.Management("orders");
                var before = await FailedAsync(orders);
                await ConfirmsHeld.BreakAsync(platform);
                await KillBrokerAsync(platform);
                platform.OrdersToBroker.Cut();
                await Poll.UntilAsync(
                    "publishing that was in the middle",
                    () => FailedAsync(orders),
                    failed => failed > before
                );
            },
            BrokerKilled.RepairAsync
        );

    /// <summary>For longer than the relay waits for a confirm, which is 10 s.</summary>
    public static Fault BrokerStalled =>
        new(
            "broker stalled",
            platform => Do(platform.OrdersToBroker.Stall, platform.NotificationsToBroker.Stall),
            platform => Do(platform.OrdersToBroker.Resume, platform.NotificationsToBroker.Resume),
            Hold: 2300
        );

    /// <summary>
    /// For longer than it takes both ends to notice it, by heartbeats: the recovery is under load too.
    /// </summary>
    public static Fault BrokerHalfOpen =>
        new(
            "broker half-open",
            platform => Do(platform.OrdersToBroker.Forget, platform.NotificationsToBroker.Forget),
            CaughtUpAsync,
            Hold: 3500
        )
        {
            SeeAsync = async platform =>
            {
                await SaidAsync(platform, "outbox.relay_interrupted", "");
                await SaidAsync(platform, "consumer.interrupted", "");
            },
        };

    /// <summary>
    /// The broker has a batch of events, and its confirms are on their way: the relay is in the middle.
    /// </summary>
    public static Fault ConfirmsHeld =>
        new(
            "confirms held",
            async platform =>
            {
                platform.OrdersToBroker.StallAnswers();
                await PendingAsync(platform, "events that nobody confirmed", pending => pending >= 50);
            },
            platform => Do(platform.OrdersToBroker.Resume)
        );

    /// <summary>The broker has the events, but its confirms are lost. Then the connection ends.</summary>
    public static Fault ConfirmsLost =>
        new(
            "confirms lost",
            platform => Do(platform.OrdersToBroker.LoseAnswers),
            platform => Do(platform.OrdersToBroker.Cut, platform.OrdersToBroker.Resume)
        );

    /// <summary>The exchange is deleted. At the next publish the broker closes the channel with 404.</summary>
    public static Fault ChannelClosed =>
        new(
            "channel closed",
            async platform =>
            {
                using var orders = platform.Platform.Management("orders");
                var before = await FailedAsync(orders);
                await using (var connection = await platform.Platform.BrokerAsync())
                await using (
                    var channel = await connection.CreateChannelAsync(
                        cancellationToken: TestContext.Current.CancellationToken
                    )
                )
                    await channel.ExchangeDeleteAsync(
                        OrderTopology.Exchange,
                        cancellationToken: TestContext.Current.CancellationToken
                    );
                // The tap's binding is deleted with the exchange. The relay needs a second for a new channel; usually
                // the tap is bound again before that.
                await Poll.UntilAsync("publishing that fails", () => FailedAsync(orders), failed => failed > before);
                await Tap.OpenAsync(platform.Platform);
            },
            CaughtUpAsync
        )
        {
            HidesCopies = true,
            SeeAsync = platform =>
                SaidAsync(platform, "outbox.relay_interrupted", "The broker closed the channel: 404"),
        };

    /// <summary>An operator ends every connection.</summary>
    public static Fault ConnectionsClosed =>
        new(
            "connections closed",
            platform =>
                RabbitMqControl.EvaluateAsync(
                    platform.Platform,
                    "ok = rabbit_networking:close_connections(rabbit_networking:connections(), \"by an operator\")."
                ),
            CaughtUpAsync
        )
        {
            SeeAsync = async platform =>
            {
                // A connection that is closed while its client sends may be reset, and the reason lost with it.
                await SaidAsync(platform, "outbox.relay_interrupted", "320", "Connection reset by peer");
                await SaidAsync(platform, "consumer.interrupted", "320", "Connection reset by peer");
            },
        };

    /// <summary>
    /// A quorum queue without a leader, as when most of a cluster's nodes are away: it takes no message, confirms none
    /// and delivers none, while the broker answers everything else. For longer than the relay waits for a confirm.
    /// </summary>
    public static Fault QueueLeaderless =>
        new(
            "queue without a leader",
            platform =>
                RabbitMqControl.EvaluateAsync(platform.Platform, $"ok = ra:stop_server(quorum_queues, {Leader})."),
            platform =>
                WhenItWorksAsync("a leader of the queue", () =>
                    RabbitMqControl.EvaluateAsync(
                        platform.Platform,
                        $"case ra:restart_server(quorum_queues, {Leader}) of ok -> ok; "
                            + $"{{error, {{already_started, _}}}} -> ok end."
                    )
                )
        )
        {
            SeeAsync = platform =>
                SaidAsync(platform, "outbox.relay_interrupted", "The broker did not confirm everything"),
        };

    /// <summary>Every event comes three times.</summary>
    public static Fault EventsRepeated
    {
        get
        {
            Echo? echo = null;
            return new(
                "events repeated",
                async platform => echo = await Echo.BeginAsync(platform.Platform),
                async _ => await echo!.DisposeAsync()
            )
            {
                SeeAsync = platform => echo!.UntilRemovedAsync(platform.Platform),
            };
        }
    }

    /// <summary>More than the client library takes, between all others.</summary>
    public static Fault GiantMessage => Poison("giant message", new byte[Odd.Giant]);

    /// <summary>A header that the client library cannot decode, between all others.</summary>
    public static Fault UndecodableHeader => Poison("undecodable header", [], ("odd", Odd.Undecodable));

    private static Fault Poison(string name, byte[] body, params (string Name, object? Value)[] headers)
    {
        var id = "";
        return new(
            name,
            async platform => id = await Odd.PublishAsync(platform.Platform, OrderTopology.Queue, body, headers),
            CaughtUpAsync
        )
        {
            SeeAsync = platform => ParkedAsync(platform, id),
        };
    }

    private static async Task ParkedAsync(FaultyPlatform platform, string message)
    {
        await using var database = await platform.Platform.DatabaseAsync("notifications-db");
        await Poll.UntilAsync(
            "the message parked",
            () => database.ScalarAsync<long>("SELECT count(*) FROM dead_letters WHERE message_id = $1", message),
            count => count == 1,
            Patience
        );
    }

    private static string Leader => $"{{list_to_atom(\"%2F_{OrderTopology.Queue}\"), node()}}";

    // A container that is stopped loses its data with it; there the broker becomes unreachable instead.
    private static Task KillBrokerAsync(FaultyPlatform platform) =>
        platform.Platform.IsProcess("messaging")
            ? platform.Platform.KillAsync("messaging")
            : Do(platform.OrdersToBroker.Cut, platform.NotificationsToBroker.Cut);

    private static async Task<double> FailedAsync(HttpClient orders) =>
        (await Exposition.ScrapeAsync(orders)).Sum(
            "goreliable_order_service_outbox_messages_published_total",
            ("result", "failed")
        );
}
