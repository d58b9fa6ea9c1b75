using GoReliable.Messaging;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>The notification worker is told to stop after it wrote an e-mail into its pickup folder.</summary>
[Collection(ServersOnly.Name)]
public sealed class PickupDrainTests(ServersOnly servers)
{
    private readonly GoReliablePlatform platform = servers.Platform;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_email_that_was_written_is_stored_although_the_database_refuses_at_first()
    {
        await using var database = await OwnDatabase.CreateAsync(platform, "Notifications");
        await using var worker = await ServiceProcess.StartAsync(
            "Notifications",
            ("ConnectionStrings__notifications-db", database.ConnectionString),
            ("ConnectionStrings__messaging", await platform.ConnectionStringAsync("messaging")),
            ("Email__PickupFolder", platform.PickupFolder)
        );
        await worker.WaitUntilReadyAsync();
        await database.ExecuteAsync("ALTER TABLE notifications RENAME TO away");
        var message = await TestEvent.PublishAsync(platform);
        await worker.WaitForEventAsync("database.unavailable");
        Assert.True(message.IsWritten);

        worker.Terminate();
        await worker.WaitForEventAsync("service.stopping");
        await database.ExecuteAsync("ALTER TABLE away RENAME TO notifications");
        await worker.WaitForExitAsync();

        Assert.Equal(
            1,
            await database.ScalarAsync<long>($"SELECT count(*) FROM notifications WHERE event_id = '{message.Id}'")
        );
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        Assert.Equal(0u, await channel.MessageCountAsync(OrderTopology.Queue, Cancel));
    }
}
