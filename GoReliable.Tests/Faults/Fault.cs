using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.Faults;

/// <summary>Something that breaks, and how it is repaired.</summary>
/// <param name="Name">For the ledger.</param>
/// <param name="BreakAsync">Breaks it.</param>
/// <param name="RepairAsync">Repairs it, or waits until the platform has found its way around it.</param>
/// <param name="Hold">How many orders are offered in between.</param>
internal sealed record Fault(string Name, Func<FaultyPlatform, Task> BreakAsync, Func<FaultyPlatform, Task> RepairAsync, int Hold = 400)
{
    // What PostgreSQL answers when the disk is full, for every new row of these tables.
    private const string FillDisk = """
        CREATE OR REPLACE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
        """;

    /// <summary>
    /// Whether an e-mail may go out twice: whoever dies between a mail server's yes and its own commit cannot know of the
    /// yes, and the next one asks again, with the same Message-ID.
    /// </summary>
    public bool MayMailTwice { get; init; }

    /// <summary>All of them, for a soak.</summary>
    public static IReadOnlyList<Fault> All { get; } =
    [
        Killed("orders"), Killed("notifications"), Killed("gateway"), BrokerKilled, DatabaseKilled,
        DatabaseStalled, BrokerStalled, DatabaseHalfOpen, BrokerHalfOpen, ConfirmsLost, DiskFull,
    ];

    public static Fault BrokerKilled => new("broker killed", KillBrokerAsync, platform => ReviveAsync(platform, "messaging"));

    public static Fault DatabaseKilled => new("database killed", KillDatabaseAsync, platform => ReviveAsync(platform, "postgres"));

    /// <summary>For longer than Orders waits for an answer.</summary>
    public static Fault DatabaseStalled => new(
        "database stalled",
        platform => Do(platform.OrdersToDatabase.Stall, platform.NotificationsToDatabase.Stall),
        platform => Do(platform.OrdersToDatabase.Resume, platform.NotificationsToDatabase.Resume),
        Hold: 1400);

    /// <summary>For longer than the relay waits for a confirm, which is 10 s.</summary>
    public static Fault BrokerStalled => new(
        "broker stalled",
        platform => Do(platform.OrdersToBroker.Stall, platform.NotificationsToBroker.Stall),
        platform => Do(platform.OrdersToBroker.Resume, platform.NotificationsToBroker.Resume),
        Hold: 2800);

    /// <summary>For longer than a statement waits for its answer.</summary>
    public static Fault DatabaseHalfOpen => new(
        "database half-open", platform => Do(platform.OrdersToDatabase.HalfOpen, platform.NotificationsToDatabase.HalfOpen), CaughtUpAsync, Hold: 1600);

    /// <summary>For longer than it takes to notice it, by heartbeats: the recovery is under load too.</summary>
    public static Fault BrokerHalfOpen => new(
        "broker half-open", platform => Do(platform.OrdersToBroker.HalfOpen, platform.NotificationsToBroker.HalfOpen), CaughtUpAsync, Hold: 3500);

    /// <summary>The broker has a batch of events, and its confirms are on their way: the relay is in the middle.</summary>
    public static Fault ConfirmsHeld => new(
        "confirms held",
        async platform =>
        {
            platform.OrdersToBroker.StallAnswers();
            await PendingAsync(platform, "events that nobody confirmed", pending => pending >= 50);
        },
        platform => Do(platform.OrdersToBroker.Resume));

    /// <summary>The broker has the events and says so to nobody; then the connection ends.</summary>
    public static Fault ConfirmsLost => new(
        "confirms lost",
        platform => Do(platform.OrdersToBroker.LoseAnswers),
        platform => Do(platform.OrdersToBroker.Cut, platform.OrdersToBroker.Resume));

    public static Fault DiskFull => new(
        "disk full",
        async platform =>
        {
            await ExecuteAsync(platform, "orders-db", $"{FillDisk} CREATE TRIGGER disk_full BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION disk_full()");
            await ExecuteAsync(platform, "notifications-db", $"{FillDisk} CREATE TRIGGER disk_full BEFORE INSERT ON inbox FOR EACH ROW EXECUTE FUNCTION disk_full()");
        },
        platform => Eventually.SeeAsync("space on the disk", async () =>
        {
            await ExecuteAsync(platform, "orders-db", "DROP TRIGGER IF EXISTS disk_full ON orders");
            await ExecuteAsync(platform, "notifications-db", "DROP TRIGGER IF EXISTS disk_full ON inbox");
            return true;
        }, done => done),
        Hold: 600);

    /// <summary>An hour forward, then an hour back.</summary>
    public static Fault ClockJumps => new(
        "clock jumps",
        platform => Do(() => platform.Clock.Set(TimeSpan.FromHours(1))),
        platform => Do(() => platform.Clock.Set(TimeSpan.Zero)),
        Hold: 800);

    public static Fault Killed(string service) => new($"{service} killed", platform => platform.Platform.KillAsync(service), platform => ReviveAsync(platform, service), Hold: 200)
    {
        MayMailTwice = service == "notifications",
    };

    /// <summary>Both at once; repaired in whatever order works.</summary>
    public Fault And(Fault other) => new(
        $"{Name} + {other.Name}",
        async platform =>
        {
            await BreakAsync(platform);
            await other.BreakAsync(platform);
        },
        platform => Task.WhenAll(RepairAsync(platform), other.RepairAsync(platform)),
        Math.Max(Hold, other.Hold))
    {
        MayMailTwice = MayMailTwice || other.MayMailTwice,
    };

    // A container that is stopped loses its data with it; there the broker becomes unreachable instead.
    private static Task KillBrokerAsync(FaultyPlatform platform) => platform.Platform.IsProcess("messaging")
        ? platform.Platform.KillAsync("messaging")
        : Do(platform.OrdersToBroker.Cut, platform.NotificationsToBroker.Cut);

    // Likewise; a server one of whose processes is killed ends all the others, and recovers from its log.
    private static Task KillDatabaseAsync(FaultyPlatform platform) => platform.Platform.IsProcess("postgres")
        ? platform.Platform.KillAsync("postgres")
        : CrashAsync(platform);

    private static async Task CrashAsync(FaultyPlatform platform)
    {
        var lost = await Assert.ThrowsAnyAsync<NpgsqlException>(() => ExecuteAsync(platform, "orders-db", "COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'"));
        Assert.True(lost.IsTransient, $"The server did not crash: {lost.Message}");
    }

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
    private static Task CaughtUpAsync(FaultyPlatform platform) => PendingAsync(platform, "an outbox that is nearly empty", pending => pending < 500);

    private static async Task PendingAsync(FaultyPlatform platform, string what, Func<long, bool> isSo)
    {
        await using var database = await platform.Platform.DatabaseAsync("orders-db");
        await Eventually.SeeAsync(what, async () =>
        {
            await using var count = database.CreateCommand("SELECT count(*) FROM outbox");
            return (long)(await count.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        }, isSo);
    }

    private static async Task ExecuteAsync(FaultyPlatform platform, string database, string sql)
    {
        await using var source = await platform.Platform.DatabaseAsync(database);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static Task Do(params Action[] actions)
    {
        foreach (var action in actions)
            action();
        return Task.CompletedTask;
    }
}
