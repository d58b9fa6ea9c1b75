using System.Net;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Faults of the database's server, and of the network to it.</summary>
internal sealed partial record Fault
{
    // Sessions that ended with an error of the server, such as the idle time-out.
    private const string EndedSessions = "SELECT sessions_fatal FROM pg_stat_database WHERE datname = 'orders-db'";

    // Those of whoever is there are seconds old at most.
    private const string OldTransactions =
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' "
        + "AND state_change < now() - interval '10 s'";

    public static Fault DatabaseKilled =>
        new("database killed", KillDatabaseAsync, platform => ReviveAsync(platform, "postgres"));

    /// <summary>For longer than Orders waits for an answer.</summary>
    public static Fault DatabaseStalled =>
        new(
            "database stalled",
            platform => Do(platform.OrdersToDatabase.Stall, platform.NotificationsToDatabase.Stall),
            platform => Do(platform.OrdersToDatabase.Resume, platform.NotificationsToDatabase.Resume),
            Hold: 1400
        );

    /// <summary>For longer than a statement waits for its answer.</summary>
    public static Fault DatabaseHalfOpen =>
        new(
            "database half-open",
            platform => Do(platform.OrdersToDatabase.HalfOpen, platform.NotificationsToDatabase.HalfOpen),
            CaughtUpAsync,
            Hold: 1600
        )
        {
            SeeAsync = platform => SaidAsync(platform, "outbox.relay_interrupted", ""),
        };

    /// <summary>
    /// The server does not notice that its clients are gone, and keeps their locks: the relay's lock in the middle of
    /// a batch, and the events that the worker has claimed. The fault is over when the server has ended both sessions.
    /// </summary>
    public static Fault DatabaseForgotten
    {
        get
        {
            var before = 0L;
            return new(
                "database connections forgotten",
                async platform =>
                {
                    await CountAsync(platform, "sessions that the server ended", EndedSessions, count =>
                        (before = count) >= 0
                    );
                    await ConfirmsHeld.BreakAsync(platform);
                    await Do(
                        platform.OrdersToDatabase.Forget,
                        platform.NotificationsToDatabase.Forget,
                        platform.OrdersToBroker.Resume
                    );
                },
                async platform =>
                {
                    await CountAsync(platform, "no transaction of a vanished worker", OldTransactions, count =>
                        count == 0
                    );
                    await CaughtUpAsync(platform);
                    // The other old connections hold no locks, and TCP would close them at some time.
                    await Do(platform.OrdersToDatabase.Resume, platform.NotificationsToDatabase.Resume);
                }
            )
            {
                SeeAsync = platform =>
                    CountAsync(platform, "the end of the vanished relay's session", EndedSessions, count =>
                        count > before
                    ),
            };
        }
    }

    /// <summary>The server dies, a standby takes its place, and gives it back.</summary>
    public static Fault FailedOver
    {
        get
        {
            Standby standby = null!;
            DnsEndPoint first = null!;
            return new(
                "failed over",
                async platform =>
                {
                    standby = await Standby.FollowAsync(platform.Platform);
                    first = platform.OrdersToDatabase.Target!;
                    await platform.Platform.KillAsync("postgres");
                    await standby.PromoteAsync();
                    LeadTo(platform, new DnsEndPoint("127.0.0.1", standby.Port, first.AddressFamily));
                },
                async platform =>
                {
                    await using (standby)
                    {
                        await Poll.UntilAsync(
                            "events flowing on the standby",
                            () => standby.AskAsync("orders-db", "SELECT count(*) FROM outbox"),
                            count => count is < 500L,
                            Patience
                        );
                        await standby.GiveBackAsync(platform.Platform);
                    }
                    LeadTo(platform, first);
                    await CaughtUpAsync(platform);
                }
            )
            {
                IsAlone = true,
            };
        }
    }

    private static void LeadTo(FaultyPlatform platform, DnsEndPoint server) =>
        (platform.OrdersToDatabase.Target, platform.NotificationsToDatabase.Target) = (server, server);

    // Where it is a container that must not be stopped; a server one of whose processes is killed ends all the others,
    // and recovers from its log.
    private static Task KillDatabaseAsync(FaultyPlatform platform) =>
        platform.Platform.IsProcess("postgres") ? platform.Platform.KillAsync("postgres") : CrashAsync(platform);

    private static async Task CrashAsync(FaultyPlatform platform)
    {
        var lost = await Assert.ThrowsAnyAsync<NpgsqlException>(() =>
            ExecuteAsync(platform, "orders-db", "COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'")
        );
        Assert.True(lost.IsTransient, $"The server did not crash: {lost.Message}");
    }
}
