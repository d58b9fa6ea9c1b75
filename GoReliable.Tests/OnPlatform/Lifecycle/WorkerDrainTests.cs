using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>The notification worker is told to stop while an e-mail is on its way to a slow server.</summary>
[Collection(RestartablePlatform.Name)]
public sealed class WorkerDrainTests(RestartablePlatform mail) : IAsyncLifetime
{
    private readonly GoReliablePlatform platform = mail.Platform;
    private volatile TaskCompletionSource allowed = NotYet();
    private int accepted;
    private DateTimeOffset begun;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        mail.Server.BeforeYes = async _ =>
        {
            await allowed.Task;
            Interlocked.Increment(ref accepted);
        };
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        Allow();
        await mail.CalmAsync();
    }

    [Fact]
    public async Task A_running_delivery_is_finished_and_acknowledged()
    {
        using var customer = platform.Client("drained");
        var (order, acceptedBefore) = await BeginDeliveryAsync(customer);

        var stopping = platform.StopAsync("notifications");
        await WaitForLogAsync("service.stopping");
        Allow();
        await stopping;

        Assert.Equal(acceptedBefore + 1, accepted);
        Assert.Equal(0u, await WaitingMessagesAsync());
        await platform.StartAsync("notifications");
        await platform.WaitUntilHealthyAsync("notifications");
        Assert.Single(await customer.WaitForNotificationsAsync(order));
    }

    [Fact]
    public async Task A_late_delivery_goes_back_and_another_worker_makes_it_once()
    {
        using var customer = platform.Client("overdue");
        var (order, acceptedBefore) = await BeginDeliveryAsync(customer);

        await platform.StopAsync("notifications");

        await WaitForLogAsync("service.stop_overdue");
        Assert.Equal(acceptedBefore, accepted);
        await Poll.UntilAsync("the message back in the queue", WaitingMessagesAsync, waiting => waiting == 1);
        // The first one still waits for its answer, and nobody is there to hear it.
        Forbid();
        Allow();
        await platform.StartAsync("notifications");
        Assert.Single(await customer.WaitForNotificationsAsync(order));
        await platform.WaitUntilHealthyAsync("notifications");
        Assert.Equal(0u, await WaitingMessagesAsync());
        Assert.Equal(acceptedBefore + 1, accepted);
    }

    [Fact]
    public async Task An_accepted_email_is_stored_although_the_database_refuses_at_first()
    {
        using var customer = platform.Client("accepted");
        await using var database = await platform.DatabaseAsync("notifications-db");
        var (order, acceptedBefore) = await BeginDeliveryAsync(customer);
        await database.RunAsync("ALTER TABLE notifications RENAME TO away");
        Task stopping;
        try
        {
            Allow();
            await WaitForLogAsync("database.unavailable");

            stopping = platform.StopAsync("notifications");
            await WaitForLogAsync("service.stopping");
        }
        finally
        {
            await database.RunAsync("ALTER TABLE away RENAME TO notifications");
        }
        await stopping;

        await platform.StartAsync("notifications");
        Assert.Single(await customer.WaitForNotificationsAsync(order));
        await platform.WaitUntilHealthyAsync("notifications");
        await Poll.UntilAsync("an empty queue", WaitingMessagesAsync, waiting => waiting == 0);
        Assert.Equal(acceptedBefore + 1, accepted);
    }

    /// <summary>Orders, and waits until the mail server has the e-mail and has not said yes.</summary>
    private async Task<(Guid Order, int AcceptedBefore)> BeginDeliveryAsync(HttpClient customer)
    {
        Forbid();
        begun = DateTimeOffset.UtcNow;
        var (acceptedBefore, received) = (accepted, mail.Server.Received.Count);
        var order = await customer.CreateAsync(contactEmail: "slow@example.com");
        await Poll.UntilAsync(
            "the e-mail at the mail server",
            () => Task.FromResult(mail.Server.Received.Count),
            now => now > received
        );
        return (order, acceptedBefore);
    }

    private async Task WaitForLogAsync(string @event) =>
        await platform.Telemetry.WaitForLogAsync(
            log => log.EventName == @event && log.Service == "notifications" && log.Time > begun,
            Cancel,
            @event
        );

    private async Task<uint> WaitingMessagesAsync()
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        return (await channel.QueueDeclarePassiveAsync("notifications", Cancel)).MessageCount;
    }

    // Keeps those waiting that come from now on.
    private void Forbid() => allowed = NotYet();

    // Says yes to all, from now on.
    private void Allow() => allowed.TrySetResult();

    private static TaskCompletionSource NotYet() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
