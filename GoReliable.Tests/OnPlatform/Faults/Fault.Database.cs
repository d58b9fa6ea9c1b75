using System.Net;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Faults;

internal sealed partial record Fault
{
    // What PostgreSQL answers when the disk is full, for every new row of these tables.
    private const string FillDisk = """
        CREATE OR REPLACE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
        """;

    // By errors of their own, as having been idle for too long is one.
    private const string EndedSessions = "SELECT sessions_fatal FROM pg_stat_database WHERE datname = 'orders-db'";

    // Those of whoever is there are seconds old at most.
    private const string OldTransactions =
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' "
        + "AND state_change < now() - interval '10 s'";

    private const string EndSessions =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('orders-db', 'notifications-db')";

    private static readonly string[] Databases = ["orders-db", "notifications-db"];

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
    /// The server does not know that its clients are gone, and keeps what they locked: the relay's place, in the middle
    /// of a batch, and the events in the worker's hands. It is over when the server has given up both.
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
                    // The other connections of the past hold nothing, and TCP would end them some time.
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

    public static Fault DiskFull => new("disk full", platform => WhenItWorksAsync("a full disk", async () =>
                {
                    await ExecuteAsync(
                        platform,
                        "orders-db",
                        $"{FillDisk} CREATE OR REPLACE TRIGGER disk_full BEFORE INSERT ON orders FOR EACH ROW "
                            + "EXECUTE FUNCTION disk_full()"
                    );
                    await ExecuteAsync(
                        platform,
                        "notifications-db",
                        $"{FillDisk} CREATE OR REPLACE TRIGGER disk_full BEFORE INSERT ON inbox FOR EACH ROW "
                            + "EXECUTE FUNCTION disk_full()"
                    );
                }), platform => WhenItWorksAsync("space on the disk", async () =>
                {
                    await ExecuteAsync(platform, "orders-db", "DROP TRIGGER IF EXISTS disk_full ON orders");
                    await ExecuteAsync(platform, "notifications-db", "DROP TRIGGER IF EXISTS disk_full ON inbox");
                }), Hold: 600);

    /// <summary>
    /// They take no changes, as after a failover to a standby, or at providers when the disk is nearly full. No driver
    /// calls that transient; no message and no order is to blame for it all the same.
    /// </summary>
    public static Fault DatabasesReadOnly =>
        new(
            "databases read-only",
            async platform =>
            {
                await AlterDatabasesAsync(platform, "SET default_transaction_read_only = on");
                await ExecuteAsync(platform, "postgres", EndSessions);
            },
            // Only for sessions that begin from now on, as after a failover: those that were opened before stay with
            // the old server.
            platform =>
                WhenItWorksAsync("databases that take changes", () =>
                    AlterDatabasesAsync(platform, "SET default_transaction_read_only = off")
                )
        );

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

    /// <summary>
    /// The server cancels every order and every claim in the inbox, after half a second (SQLSTATE 57014).
    /// </summary>
    public static Fault StatementsCanceled
    {
        get
        {
            var locks = new List<NpgsqlDataSource>();
            return new(
                "statements canceled",
                async platform =>
                {
                    await AlterDatabasesAsync(platform, "SET statement_timeout = '500ms'");
                    await ExecuteAsync(platform, "postgres", EndSessions);
                    locks.Add(await LockAsync(platform, "orders-db", "orders"));
                    locks.Add(await LockAsync(platform, "notifications-db", "inbox"));
                },
                platform => WhenItWorksAsync("no locks", async () =>
                    {
                        foreach (var held in locks)
                            await held.DisposeAsync();
                        await AlterDatabasesAsync(platform, "RESET statement_timeout");
                        await ExecuteAsync(platform, "postgres", EndSessions);
                    })
            );
        }
    }

    /// <summary>
    /// Nobody gets in, and whoever is in is thrown out. The server itself goes on, because where it is a container its
    /// data would not survive a stop.
    /// </summary>
    public static Fault DatabasesAway =>
        new(
            "databases away",
            async platform =>
            {
                await AlterDatabasesAsync(platform, "WITH ALLOW_CONNECTIONS false");
                await ExecuteAsync(platform, "postgres", EndSessions);
            },
            platform =>
                WhenItWorksAsync("databases that let people in", () =>
                    AlterDatabasesAsync(platform, "WITH ALLOW_CONNECTIONS true")
                )
        )
        {
            SeeAsync = async platform =>
            {
                using var orders = platform.Platform.Management("orders");
                await Poll.UntilAsync(
                    "orders not ready",
                    () => orders.GetAsync("/health/ready", TestContext.Current.CancellationToken),
                    answer => answer.StatusCode == HttpStatusCode.ServiceUnavailable
                );
                Assert.Equal(
                    HttpStatusCode.OK,
                    (await orders.GetAsync("/health/live", TestContext.Current.CancellationToken)).StatusCode
                );
            },
        };

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

    // For as long as the source is there, unless it is ended with the others.
    private static async Task<NpgsqlDataSource> LockAsync(FaultyPlatform platform, string database, string table)
    {
        var source = await platform.Platform.DatabaseAsync(database);
        var connection = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var @lock = new NpgsqlCommand($"SET statement_timeout = 0; BEGIN; LOCK TABLE {table}", connection)
        {
            CommandTimeout = 60,
        };
        await @lock.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return source;
    }

    private static async Task AlterDatabasesAsync(FaultyPlatform platform, string change)
    {
        foreach (var database in Databases)
            await ExecuteAsync(platform, "postgres", $"ALTER DATABASE \"{database}\" {change}");
    }

    private static async Task ExecuteAsync(FaultyPlatform platform, string database, string sql)
    {
        var server = new NpgsqlConnectionStringBuilder(await platform.Platform.ConnectionStringAsync("orders-db"))
        {
            Database = database,
        };
        await using var source = NpgsqlDataSource.Create(server);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
