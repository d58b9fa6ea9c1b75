using System.Diagnostics.Metrics;
using GoReliable.Messaging;
using GoReliable.Notifications;
using GoReliable.Notifications.Consuming;
using GoReliable.Notifications.Messages;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Poison;

[Collection(ServersOnly.Name)]
public sealed class PoisonFilterTests(ServersOnly servers)
{
    private readonly GoReliablePlatform platform = servers.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_a_failover_a_message_is_parked_by_a_new_connection()
    {
        await using var database = await OwnDatabase.CreateAsync(platform, "Notifications");
        await using var broker = await ServiceBroker.OfAsync(platform);
        await PublishAsync(new byte[2 * 1024 * 1024]);

        // As with the old server after a failover: a connection stays read-only for as long as it lives.
        await database.ReadOnlyAsync("on");
        await using var pool = NpgsqlDataSource.Create(database.ConnectionString);
        var filter = Filter(broker, pool);
        await Assert.ThrowsAsync<PostgresException>(() => filter.RunAsync(Cancel));
        await database.ReadOnlyAsync("off");
        await filter.RunAsync(Cancel);

        Assert.Equal("too_large", await database.ScalarAsync<string>("SELECT reason FROM dead_letters"));
    }

    // Any publisher may write the worker's own headers: with an old time, the letter would expire before it was seen.
    [Fact]
    public async Task A_parked_message_does_not_say_itself_why_and_when_it_was_given_up()
    {
        await using var database = await OwnDatabase.CreateAsync(platform, "Notifications");
        await using var broker = await ServiceBroker.OfAsync(platform);
        await PublishAsync(
            new byte[2 * 1024 * 1024],
            (MessageHeaders.DeadReason, "rejected"),
            (MessageHeaders.DeadAt, "2020-01-01T00:00:00Z"),
            (MessageHeaders.ExceptionMessage, "Nothing to see here.")
        );

        await Filter(broker, database.Source).RunAsync(Cancel);

        Assert.Equal(
            1,
            await database.ScalarAsync<long>(
                """
                SELECT count(*) FROM dead_letters
                WHERE reason = 'too_large' AND dead_since > now() - interval '1 minute' AND attempts = 1
                    AND exception_message LIKE '%2,097,152%'
                """
            )
        );
    }

    private static PoisonFilter Filter(Broker broker, NpgsqlDataSource database) =>
        new(
            broker,
            database,
            new Telemetry(
                new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>()
            ),
            NullLogger<PoisonFilter>.Instance,
            TimeProvider.System
        );

    private async Task PublishAsync(byte[] body, params (string Name, object? Value)[] headers)
    {
        await Odd.EmptyQueueAsync(platform);
        await Odd.PublishAsync(platform, OrderTopology.Queue, body, headers);
    }
}
