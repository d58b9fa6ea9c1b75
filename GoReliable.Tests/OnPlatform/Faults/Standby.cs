using System.Diagnostics;
using System.Globalization;
using GoReliable.Tests.Platform;
using Npgsql;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// A second PostgreSQL that has every commit before it is acknowledged, and takes the first one's place when that dies:
/// https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION
/// </summary>
internal sealed class Standby : IAsyncDisposable
{
    private const string Streams = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";

    private readonly string directory = Directory.CreateTempSubdirectory("goreliable-standby-").FullName;
    private readonly string programs;
    private readonly string primaryData;
    private readonly NpgsqlConnectionStringBuilder primary;
    private readonly NpgsqlConnectionStringBuilder standby;
    private Process? server;

    private Standby(string connectionString, int processId)
    {
        programs = Path.GetDirectoryName(
            File.ResolveLinkTarget($"/proc/{processId}/exe", returnFinalTarget: true)!.FullName
        )!;
        var arguments = File.ReadAllText($"/proc/{processId}/cmdline").Split('\0');
        primaryData = arguments[Array.IndexOf(arguments, "-D") + 1];
        primary = new(connectionString) { Database = "postgres" };
        standby = new(primary.ConnectionString) { Host = "127.0.0.1", Port = ServiceProcess.FreePort() };
        // Who runs the server has to get through.
        Process.Start("chmod", ["711", directory]).WaitForExit();
    }

    /// <summary>Where the second one listens, on the loopback interface.</summary>
    public int Port => standby.Port;

    /// <summary>Whether there can be one: the server must be a process of this machine.</summary>
    public static bool IsAvailable(GoReliablePlatform platform) =>
        OperatingSystem.IsLinux() && platform.IsProcess("postgres");

    /// <summary>Starts one that follows the platform's server.</summary>
    public static async Task<Standby> FollowAsync(GoReliablePlatform platform)
    {
        var standby = new Standby(
            await platform.ConnectionStringAsync("orders-db"),
            platform.ProcessId("postgres")!.Value
        );
        await standby.CopyAsync(standby.primary, standby.Data);
        standby.server = Process.Start(
            standby.AsServer(
                "postgres",
                "-D",
                standby.Data,
                "-p",
                $"{standby.Port}",
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
                "-c",
                "log_min_messages=panic"
            )
        );
        await AskAsync(standby.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'");
        await AskAsync(standby.primary, "SELECT pg_reload_conf()");
        await Poll.UntilAsync(
            "a synchronous standby",
            () => AskAsync(standby.primary, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"),
            count => count is 1L
        );
        return standby;
    }

    /// <summary>Takes the place of the first one, which is dead.</summary>
    public async Task PromoteAsync() => Assert.Equal(true, await AskAsync(standby, "SELECT pg_promote()"));

    /// <summary>What the second one answers.</summary>
    public Task<object?> AskAsync(string database, string sql) =>
        AskAsync(new NpgsqlConnectionStringBuilder(standby.ConnectionString) { Database = database }, sql);

    /// <summary>Gives the place back to the first one, in order: what was committed here is there.</summary>
    public async Task GiveBackAsync(GoReliablePlatform platform)
    {
        Directory.Delete(primaryData, recursive: true);
        await CopyAsync(standby, primaryData);
        await platform.StartAsync("postgres");
        await Poll.UntilAsync(
            "the first server following the second",
            () => AskAsync(standby, Streams),
            count => count is 1L
        );
        // A server that is stopped in order first sends all that it has.
        using var stop = Process.Start("kill", ["-INT", $"{server!.Id}"]);
        await server
            .WaitForExitAsync(TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Equal(true, await AskAsync(primary, "SELECT pg_promote()"));
    }

    public ValueTask DisposeAsync()
    {
        server?.Kill();
        server?.Dispose();
        Directory.Delete(directory, recursive: true);
        return ValueTask.CompletedTask;
    }

    private string Data => Path.Combine(directory, "data");

    // With what the copy needs to follow its original.
    private async Task CopyAsync(NpgsqlConnectionStringBuilder from, string data)
    {
        if (Environment.IsPrivilegedProcess)
            Process.Start("install", ["-d", "-m", "700", "-o", "postgres", data]).WaitForExit();
        var start = AsServer(
            "pg_basebackup",
            "-h",
            from.Host!,
            "-p",
            string.Create(CultureInfo.InvariantCulture, $"{from.Port}"),
            "-U",
            from.Username!,
            "-D",
            data,
            "-R",
            "-c",
            "fast",
            "--no-sync"
        );
        start.Environment["PGPASSWORD"] = from.Password;
        start.RedirectStandardError = true;
        using var copy = Process.Start(start)!;
        var error = await copy.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await copy.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(copy.ExitCode == 0, error);
    }

    // As the user that the AppHost runs its server as.
    private ProcessStartInfo AsServer(string program, params string[] arguments)
    {
        string[] command = [Path.Combine(programs, program), .. arguments];
        if (Environment.IsPrivilegedProcess)
            command =
            [
                "setpriv",
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                "--pdeathsig=KILL",
                .. command,
            ];
        return new(command[0], command[1..]) { WorkingDirectory = "/", RedirectStandardOutput = true };
    }

    private static async Task<object?> AskAsync(NpgsqlConnectionStringBuilder server, string sql)
    {
        await using var source = NpgsqlDataSource.Create(server.ConnectionString);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }
}
