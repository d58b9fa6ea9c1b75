using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Lifecycle;

/// <summary>The notification worker is told to stop while an e-mail is on its way to a slow server.</summary>
public sealed class WorkerDrainTests(WorkerDrainTests.SlowMail mail) : IClassFixture<WorkerDrainTests.SlowMail>
{
    private readonly GoReliablePlatform platform = mail.Platform;
    private DateTimeOffset begun;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_running_delivery_is_finished_and_acknowledged()
    {
        using var customer = platform.Client("drained");
        var (order, acceptedBefore) = await BeginDeliveryAsync(customer);

        var stopping = platform.StopAsync("notifications");
        await WaitForLogAsync("service.stopping");
        mail.Allow();
        await stopping;

        Assert.Equal(acceptedBefore + 1, mail.Accepted);
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
        Assert.Equal(acceptedBefore, mail.Accepted);
        await Poll.UntilAsync("the message back in the queue", WaitingMessagesAsync, waiting => waiting == 1);
        // The first one still waits for its answer, and nobody is there to hear it.
        mail.Forbid();
        mail.Allow();
        await platform.StartAsync("notifications");
        Assert.Single(await customer.WaitForNotificationsAsync(order));
        await platform.WaitUntilHealthyAsync("notifications");
        Assert.Equal(0u, await WaitingMessagesAsync());
        Assert.Equal(acceptedBefore + 1, mail.Accepted);
    }

    [Fact]
    public async Task An_accepted_email_is_stored_although_the_database_refuses_at_first()
    {
        using var customer = platform.Client("accepted");
        await using var database = await platform.DatabaseAsync("notifications-db");
        var (order, acceptedBefore) = await BeginDeliveryAsync(customer);
        await ExecuteAsync(database, "ALTER TABLE notifications RENAME TO away");
        mail.Allow();
        await WaitForLogAsync("database.unavailable");

        var stopping = platform.StopAsync("notifications");
        await WaitForLogAsync("service.stopping");
        await ExecuteAsync(database, "ALTER TABLE away RENAME TO notifications");
        await stopping;

        await platform.StartAsync("notifications");
        Assert.Single(await customer.WaitForNotificationsAsync(order));
        await platform.WaitUntilHealthyAsync("notifications");
        await Poll.UntilAsync("an empty queue", WaitingMessagesAsync, waiting => waiting == 0);
        Assert.Equal(acceptedBefore + 1, mail.Accepted);
    }

    private static async Task ExecuteAsync(Npgsql.NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    /// <summary>Orders, and waits until the mail server has the e-mail and has not said yes.</summary>
    private async Task<(Guid Order, int AcceptedBefore)> BeginDeliveryAsync(HttpClient customer)
    {
        mail.Forbid();
        begun = DateTimeOffset.UtcNow;
        var (accepted, received) = (mail.Accepted, mail.Received);
        var order = await customer.CreateAsync(contactEmail: "slow@example.com");
        await Poll.UntilAsync(
            "the e-mail at the mail server",
            () => Task.FromResult(mail.Received),
            now => now > received
        );
        return (order, accepted);
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

    public sealed class SlowMail : IAsyncLifetime
    {
        private readonly MailServer server;
        private volatile TaskCompletionSource allowed = NotYet();
        private int accepted;

        public SlowMail() =>
            server = new()
            {
                BeforeYes = async _ =>
                {
                    await allowed.Task;
                    Interlocked.Increment(ref accepted);
                },
            };

        public GoReliablePlatform Platform { get; private set; } = null!;

        /// <summary>E-mails that the server has.</summary>
        public int Received => server.Received.Count;

        /// <summary>E-mails that it said yes to.</summary>
        public int Accepted => accepted;

        /// <summary>Says yes to all, from now on.</summary>
        public void Allow() => allowed.TrySetResult();

        /// <summary>Keeps those waiting that come from now on.</summary>
        public void Forbid() => allowed = NotYet();

        public async ValueTask InitializeAsync() =>
            Platform = await GoReliablePlatform.StartAsync(configure: builder =>
                builder
                    .CreateResourceBuilder<ProjectResource>("notifications")
                    .WithEnvironment("Email__Smtp__Host", "127.0.0.1")
                    .WithEnvironment("Email__Smtp__Port", server.Port.ToString(CultureInfo.InvariantCulture))
                    .WithEnvironment("Email__Smtp__Security", "None")
                    .WithEnvironment("Delivery__Timeout", "00:01:00")
                    // Less than Aspire's own patience, after which it kills.
                    .WithEnvironment("Shutdown__Deadline", "00:00:04")
            );

        public async ValueTask DisposeAsync()
        {
            await Platform.DisposeAsync();
            await server.DisposeAsync();
        }

        private static TaskCompletionSource NotYet() => new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
