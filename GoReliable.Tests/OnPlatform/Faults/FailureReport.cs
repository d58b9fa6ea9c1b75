using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.OnPlatform.Faults;

/// <summary>
/// How a test that failed left its platform, in the test's output: mostly there is no second chance to look.
/// </summary>
internal static class FailureReport
{
    private const int Lines = 40;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const string Sessions = """
        SELECT format('%s × %s %s %s %s, up to %s s old: %s', count(*), datname, state, wait_event_type, wait_event,
            max(extract(epoch FROM now() - state_change))::int, left(query, 60))
        FROM pg_stat_activity WHERE datname IS NOT NULL
        GROUP BY datname, state, wait_event_type, wait_event, left(query, 60)
        """;

    private const string Locks =
        "SELECT format('%s lock %s of %s, granted: %s', locktype, objid, pid, granted) "
        + "FROM pg_locks WHERE locktype = 'advisory' OR NOT granted";

    public static async Task WriteAsync(GoReliablePlatform platform)
    {
        foreach (var service in FaultyPlatform.Services)
            await WriteSectionAsync($"{service} says", () => ReadinessAsync(platform, service));
        await WriteSectionAsync("in the outbox", () => QueryAsync(platform, "SELECT count(*)::text FROM outbox"));
        await WriteSectionAsync("sessions of the database", () => QueryAsync(platform, Sessions));
        await WriteSectionAsync("locks", () => QueryAsync(platform, Locks));
        await WriteSectionAsync("in the broker's queue", () => QueueAsync(platform));
        await WriteSectionAsync("last warnings", () =>
            Task.FromResult(
                string.Join(
                    '\n',
                    platform
                        .Telemetry.Logs()
                        .Where(log => log.Level is LogLevel.Warning or LogLevel.Error or LogLevel.Critical)
                        .TakeLast(Lines)
                )
            )
        );
    }

    private static async Task WriteSectionAsync(string what, Func<Task<string>> look)
    {
        string answer;
        try
        {
            answer = await look().WaitAsync(Patience, TestContext.Current.CancellationToken);
        }
        catch (Exception exception)
        {
            answer = exception.Message;
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{what}: {answer}");
    }

    private static async Task<string> ReadinessAsync(GoReliablePlatform platform, string service)
    {
        using var management = platform.Management(service);
        using var answer = await management.GetAsync("/health/ready", TestContext.Current.CancellationToken);
        return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<string> QueryAsync(GoReliablePlatform platform, string sql)
    {
        await using var database = await platform.DatabaseAsync("orders-db");
        await using var command = database.CreateCommand(sql);
        await using var row = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var lines = new List<string>();
        while (await row.ReadAsync(TestContext.Current.CancellationToken))
            lines.Add(row.GetString(0));
        return string.Join('\n', lines);
    }

    private static async Task<string> QueueAsync(GoReliablePlatform platform)
    {
        await using var connection = await platform.BrokerAsync();
        await using var channel = await connection.CreateChannelAsync(
            cancellationToken: TestContext.Current.CancellationToken
        );
        var queue = await channel.QueueDeclarePassiveAsync("notifications", TestContext.Current.CancellationToken);
        return $"{queue.MessageCount} messages, {queue.ConsumerCount} consumers";
    }
}
