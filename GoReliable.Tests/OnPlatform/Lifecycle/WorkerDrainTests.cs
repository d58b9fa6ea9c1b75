using System.Globalization;
using GoReliable.Messaging;
using GoReliable.Tests.OnPlatform.Notifications;
using GoReliable.Tests.OnPlatform.Poison;
using GoReliable.Tests.OnPlatform.Signals;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>The notification worker is told to stop while an e-mail is on its way.</summary>
[Collection(ServersOnly.Name)]
public sealed class WorkerDrainTests(ServersOnly servers) : IAsyncLifetime
{
    private readonly GoReliablePlatform platform = servers.Platform;
    private readonly TaskCompletionSource allowed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly MailServer mail = new();
    private OwnDatabase database = null!;
    private int accepted;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        mail.BeforeYes = async _ =>
        {
            await allowed.Task;
            Interlocked.Increment(ref accepted);
        };
        database = await OwnDatabase.CreateAsync(platform, "Notifications");
        await Odd.EmptyQueueAsync(platform);
    }

    public async ValueTask DisposeAsync()
    {
        await mail.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task A_running_delivery_is_finished_and_stored_although_the_database_refuses_at_first()
    {
        await using var worker = await StartWithMailAsync();
        await BeginDeliveryAsync();
        await database.ExecuteAsync("ALTER TABLE notifications RENAME TO away");

        worker.Terminate();
        await worker.WaitForEventAsync("service.stopping");
        allowed.SetResult();
        await worker.WaitForEventAsync("database.unavailable");
        await database.ExecuteAsync("ALTER TABLE away RENAME TO notifications");
        Assert.Equal(0, await worker.WaitForExitAsync());

        Assert.Equal(1, accepted);
        Assert.Equal((1, 0), await StoredAndWaitingAsync());
    }

    [Fact]
    public async Task A_late_delivery_goes_back_and_another_worker_makes_it_once()
    {
        await using (var late = await StartWithMailAsync(("Shutdown__Deadline", "00:00:02")))
        {
            await BeginDeliveryAsync();
            late.Terminate();
            Assert.Equal(0, await late.WaitForExitAsync());
            Assert.Single(late.Events("service.stop_overdue"));
        }
        await Poll.UntilAsync("the message back", StoredAndWaitingAsync, now => now == (0, 1));
        // The first one still waits for its answer, and nobody is there to hear it.
        mail.BeforeYes = _ => Task.FromResult(Interlocked.Increment(ref accepted));
        // Its lease would be over in half a minute.
        await database.ExecuteAsync("UPDATE leases SET until = now()");

        await using var another = await StartWithMailAsync();

        await Poll.UntilAsync("the notification", StoredAndWaitingAsync, now => now == (1, 0));
        Assert.Equal(1, accepted);
    }

    // It may have been collected from there, so it must not be written again.
    [Fact]
    public async Task An_email_in_the_pickup_folder_is_stored_although_the_database_refuses_at_first()
    {
        await using var worker = await WorkerProcess.StartAsync(platform, database);
        await worker.WaitUntilReadyAsync();
        await database.ExecuteAsync("ALTER TABLE notifications RENAME TO away");
        var message = await TestEvent.PublishAsync(platform);
        await worker.WaitForEventAsync("database.unavailable");
        Assert.True(message.IsWritten);

        worker.Terminate();
        await worker.WaitForEventAsync("service.stopping");
        await database.ExecuteAsync("ALTER TABLE away RENAME TO notifications");
        Assert.Equal(0, await worker.WaitForExitAsync());

        Assert.Equal((1, 0), await StoredAndWaitingAsync());
    }

    private Task<ServiceProcess> StartWithMailAsync(params (string, string)[] settings) =>
        WorkerProcess.StartAsync(
            platform,
            database,
            [
                ("Email__Smtp__Host", "127.0.0.1"),
                ("Email__Smtp__Port", mail.Port.ToString(CultureInfo.InvariantCulture)),
                ("Email__Smtp__Security", "None"),
                .. settings,
            ]
        );

    /// <summary>Waits until the mail server has an e-mail and has not said yes.</summary>
    private async Task BeginDeliveryAsync()
    {
        await TestEvent.PublishAsync(platform);
        await Poll.UntilAsync(
            "the e-mail at the mail server",
            () => Task.FromResult(mail.Received.Count),
            count => count == 1
        );
    }

    private async Task<(long Stored, long Waiting)> StoredAndWaitingAsync()
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        return (
            await database.ScalarAsync<long>("SELECT count(*) FROM notifications"),
            await channel.MessageCountAsync(OrderTopology.Queue, Cancel)
        );
    }
}
