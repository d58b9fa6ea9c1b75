using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.BadInput;

/// <summary>What must not come of bad input: a row, or an uproar in the logs. Begin before it is sent.</summary>
internal sealed class Watch
{
    private const string Rows = "SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM idempotency_keys)";

    private readonly GoReliablePlatform platform;
    private readonly long rows;
    private readonly DateTimeOffset started = DateTimeOffset.UtcNow;

    private Watch(GoReliablePlatform platform, long rows) => (this.platform, this.rows) = (platform, rows);

    public static async Task<Watch> BeginAsync(GoReliablePlatform platform) => new(platform, await CountAsync(platform));

    /// <summary>Asserts that there are just so many new rows, that nothing was logged as a warning or an error, and that a good order is taken.</summary>
    /// <param name="expectedRows">One for each order that turned out to be good.</param>
    public async Task EndAsync(long expectedRows = 0)
    {
        Assert.Equal(rows + expectedRows, await CountAsync(platform));

        using var alice = platform.Client("alice-after-bad-input");
        using var response = await alice.PostRawAsync(Bodies.Good);
        Assert.Equal(System.Net.HttpStatusCode.Created, response.StatusCode);
        await alice.WaitForNotificationsAsync((await response.JsonAsync()).GetProperty("id").GetGuid());

        // The logs of before have been exported when those of now have.
        var trace = response.Headers.GetValues("X-Trace-Id").Single();
        foreach (var service in new[] { "gateway", "orders" })
            await platform.Telemetry.WaitForLogAsync(log => log.TraceId == trace && log.Service == service, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(platform.Telemetry.Logs(), log => log.Time >= started && log.Level >= LogLevel.Warning && log.Service is "gateway" or "orders"
            // Of the relay, which still works for the tests before.
            && log.EventName?.StartsWith("outbox.", StringComparison.Ordinal) != true);
    }

    private static async Task<long> CountAsync(GoReliablePlatform platform)
    {
        await using var database = await platform.DatabaseAsync("orders-db");
        await using var command = database.CreateCommand(Rows);
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
