using System.Net;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>Faults of a database that runs, and refuses.</summary>
internal sealed partial record Fault
{
    // What PostgreSQL answers when the disk is full, for every new row of these tables.
    private const string FillDisk = """
        CREATE OR REPLACE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
        """;

    private const string EndSessions =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('orders-db', 'notifications-db')";

    private static readonly string[] Databases = ["orders-db", "notifications-db"];

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
        await source.RunAsync(sql);
    }
}
