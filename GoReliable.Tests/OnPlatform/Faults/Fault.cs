using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Something that breaks, and how it is repaired.</summary>
/// <param name="Name">For the ledger.</param>
/// <param name="BreakAsync">Breaks it.</param>
/// <param name="RepairAsync">Repairs it, or waits until the platform has found its way around it.</param>
/// <param name="Hold">How many orders are offered in between.</param>
internal sealed partial record Fault(
    string Name,
    Func<FaultyPlatform, Task> BreakAsync,
    Func<FaultyPlatform, Task> RepairAsync,
    int Hold = 400
)
{
    // A backlog goes down slowly where the machine has much else to do.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Runs after the hold, and waits for a sign that the fault really had an effect. Only when the fault is used
    /// alone: in combination with another fault the sign may be a different one.
    /// </summary>
    public Func<FaultyPlatform, Task> SeeAsync { get; init; } = _ => Task.CompletedTask;

    /// <summary>
    /// Whether an e-mail may be sent twice. A worker that is killed between the mail server's reply and its own commit
    /// leaves no record, so the next worker sends the e-mail again, with the same Message-ID.
    /// </summary>
    public bool MayMailTwice { get; init; }

    /// <summary>Whether some copies of events may not reach the <see cref="Tap"/>.</summary>
    public bool HidesCopies { get; init; }

    /// <summary>Whether it needs all of the platform, and nothing else may be broken with it.</summary>
    public bool IsAlone { get; init; }

    /// <summary>
    /// All faults that this machine supports, for a soak. If two faults are combined, the first in this list is
    /// injected first: faults that need a working platform come before faults that stop parts of it.
    /// </summary>
    public static IReadOnlyList<Fault> All(FaultyPlatform platform) =>
        [
            GiantMessage,
            UndecodableHeader,
            ChannelClosed,
            DatabaseForgotten,
            EventsRepeated,
            .. RabbitMqControl.IsAvailable(platform.Platform)
                ? [ConnectionsClosed, QueueLeaderless]
                : Array.Empty<Fault>(),
            .. Standby.IsAvailable(platform.Platform) ? [FailedOver] : Array.Empty<Fault>(),
            SlowMailServer,
            DiskFull,
            StatementsCanceled,
            DatabasesReadOnly,
            DatabasesAway,
            .. SkewedClock.IsAvailable ? [ClockJumps] : Array.Empty<Fault>(),
            Restarted,
            Killed("orders"),
            Killed("notifications"),
            Killed("gateway"),
            DatabaseStalled,
            DatabaseHalfOpen,
            DatabaseKilled,
            ConfirmsLost,
            BrokerStalled,
            BrokerHalfOpen,
            BrokerKilled,
        ];

    /// <summary>An hour forward, then an hour back.</summary>
    public static Fault ClockJumps =>
        new(
            "clock jumps",
            platform => Do(() => platform.Clock.Set(TimeSpan.FromHours(1))),
            platform => Do(() => platform.Clock.Set(TimeSpan.Zero)),
            Hold: 800
        );

    /// <summary>
    /// It has an e-mail at once and says so after twelve seconds: more than its other answers may take.
    /// </summary>
    public static Fault SlowMailServer =>
        new(
            "slow mail server",
            platform => Do(() => platform.Mail.BeforeYes = _ => Task.Delay(TimeSpan.FromSeconds(12))),
            platform => Do(() => platform.Mail.BeforeYes = _ => Task.CompletedTask)
        );

    public static Fault Killed(string service) =>
        new(
            $"{service} killed",
            platform => platform.Platform.KillAsync(service),
            platform => ReviveAsync(platform, service),
            Hold: 200
        )
        {
            MayMailTwice = service == "notifications",
        };

    /// <summary>One after the other: each stops when the one before it has been started.</summary>
    public static Fault Restarted =>
        new(
            "services restarted",
            async platform =>
            {
                foreach (var service in FaultyPlatform.Services)
                {
                    await platform.Platform.StopAsync(service);
                    await platform.Platform.StartAsync(service);
                }
            },
            async platform =>
            {
                foreach (var service in FaultyPlatform.Services)
                    await platform.UntilReadyAsync(service);
                await CaughtUpAsync(platform);
            },
            Hold: 1
        );

    /// <summary>Both at once; repaired in whatever order works.</summary>
    public Fault And(Fault other) =>
        new(
            $"{Name} + {other.Name}",
            async platform =>
            {
                await BreakAsync(platform);
                await other.BreakAsync(platform);
            },
            platform => Task.WhenAll(RepairAsync(platform), other.RepairAsync(platform)),
            Math.Max(Hold, other.Hold)
        )
        {
            MayMailTwice = MayMailTwice || other.MayMailTwice,
            HidesCopies = HidesCopies || other.HidesCopies,
        };

    private static async Task ReviveAsync(FaultyPlatform platform, string resource)
    {
        platform.OrdersToBroker.Resume();
        platform.NotificationsToBroker.Resume();
        if (platform.Platform.HasEnded(resource))
            await platform.Platform.StartAsync(resource);
        if (FaultyPlatform.Services.Contains(resource))
            await platform.UntilReadyAsync(resource);
        await CaughtUpAsync(platform);
    }

    // The events flow again: what waits is two seconds' worth.
    private static Task CaughtUpAsync(FaultyPlatform platform) =>
        PendingAsync(platform, "an outbox that is nearly empty", pending => pending < 500);

    private static Task PendingAsync(FaultyPlatform platform, string what, Func<long, bool> isSo) =>
        CountAsync(platform, what, "SELECT count(*) FROM outbox", isSo);

    private static async Task CountAsync(FaultyPlatform platform, string what, string sql, Func<long, bool> isSo)
    {
        await using var database = await platform.Platform.DatabaseAsync("orders-db");
        await Poll.UntilAsync(what, () => database.ScalarAsync<long>(sql), isSo, Patience);
    }

    // For one of these reasons.
    private static async Task SaidAsync(FaultyPlatform platform, string @event, params string[] reasons) =>
        await platform.Platform.Telemetry.WaitForLogAsync(
            log =>
                log.Time > platform.BrokenAt
                && log.EventName == @event
                && log["Reason"] is string said
                && reasons.Any(reason => said.Contains(reason, StringComparison.Ordinal)),
            TestContext.Current.CancellationToken
        );

    // Once it works: what the other one of two faults broke may have to be repaired first.
    private static async Task WhenItWorksAsync(string what, Func<Task> repair) =>
        await Poll.UntilAsync(
            what,
            async () =>
            {
                await repair();
                return true;
            },
            done => done,
            Patience
        );

    private static Task Do(params Action[] actions)
    {
        foreach (var action in actions)
            action();
        return Task.CompletedTask;
    }
}
