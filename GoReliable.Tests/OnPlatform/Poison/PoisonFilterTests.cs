using System.Diagnostics.Metrics;
using GoReliable.Messaging;
using GoReliable.Notifications;
using GoReliable.Notifications.Consuming;
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
        await using var pool = NpgsqlDataSource.Create(database.ConnectionString);
        await using var broker = await ServiceBroker.OfAsync(platform);
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var filter = new PoisonFilter(
            broker,
            pool,
            new Telemetry(services.GetRequiredService<IMeterFactory>()),
            NullLogger<PoisonFilter>.Instance,
            TimeProvider.System
        );
        await using (var connection = await platform.BrokerAsync())
        await using (var channel = await connection.CreateChannelAsync(cancellationToken: Cancel))
        {
            await OrderTopology.DeclareAsync(channel, Cancel);
            await channel.QueuePurgeAsync(OrderTopology.Queue, Cancel);
        }
        await Odd.PublishAsync(platform, OrderTopology.Queue, new byte[2 * 1024 * 1024]);

        // As with the old server after a failover: a connection stays read-only for as long as it lives.
        await ReadOnlyAsync(database, "on");
        await Assert.ThrowsAsync<PostgresException>(() => filter.RunAsync(Cancel));
        await ReadOnlyAsync(database, "off");
        await filter.RunAsync(Cancel);

        Assert.Equal("too_large", await database.ScalarAsync<string>("SELECT reason FROM dead_letters"));
    }

    private static Task ReadOnlyAsync(OwnDatabase database, string value) =>
        database.ExecuteAsync(
            $"""
            ALTER DATABASE "{new NpgsqlConnectionStringBuilder(database.ConnectionString).Database}"
            SET default_transaction_read_only = {value}
            """
        );
}
