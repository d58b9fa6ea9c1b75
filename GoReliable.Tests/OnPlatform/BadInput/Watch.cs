using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.BadInput;

/// <summary>
/// Asserts that bad input leaves no rows in the database, and no warnings or floods of lines in the logs. Begin
/// before it is sent.
/// </summary>
internal sealed class Watch
{
    private const string Rows = "SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM idempotency_keys)";

    // Lines that are logged now and then, independent of the input.
    private const int Others = 20;
    private const int LongestLine = 1000;

    // Events of the relay and the worker, which may still be working for earlier tests.
    private static readonly string[] BehindOrders = ["outbox.", "notification.", "dead_letter."];

    private static readonly string[] Services = ["gateway", "orders", "notifications"];

    private readonly GoReliablePlatform platform;
    private readonly long rows;
    private readonly DateTimeOffset started = DateTimeOffset.UtcNow;

    private Watch(GoReliablePlatform platform, long rows) => (this.platform, this.rows) = (platform, rows);

    public static async Task<Watch> BeginAsync(GoReliablePlatform platform) =>
        new(platform, await CountAsync(platform));

    /// <summary>
    /// Asserts that there are just so many new rows, that nothing was logged as a warning or an error, no more than a
    /// line for each request at the gateway, none for those at the services, and that a good order is taken.
    /// </summary>
    /// <param name="expectedRows">One for each order that turned out to be good, and one for its key.</param>
    /// <param name="atGateway">How many requests the gateway was sent.</param>
    public async Task EndAsync(long expectedRows = 0, int atGateway = 0)
    {
        var ended = DateTimeOffset.UtcNow;
        Assert.Equal(rows + expectedRows, await CountAsync(platform));

        using var alice = platform.Client("alice-after-bad-input");
        using var response = await alice.PostRawAsync(Bodies.Good);
        Assert.Equal(System.Net.HttpStatusCode.Created, response.StatusCode);
        await alice.WaitForNotificationsAsync((await response.ReadAsync<OrderAnswer>()).Id);

        // The logs of before have been exported when those of now have.
        var trace = response.Headers.GetValues("X-Trace-Id").Single();
        foreach (var service in Services)
            await platform.Telemetry.WaitForLogAsync(
                log => log.TraceId == trace && log.Service == service,
                TestContext.Current.CancellationToken
            );
        var logs = platform.Telemetry.Logs().Where(log => log.Time >= started && !IsOfOthers(log)).ToList();
        Assert.DoesNotContain(logs, log => log.Level >= LogLevel.Warning);
        foreach (var (service, lines) in logs.Where(log => log.Time <= ended).CountBy(log => log.Service))
            Assert.InRange(lines, 0, Others + expectedRows + (service == "gateway" ? atGateway : 0));
        Assert.All(logs, log => Assert.InRange($"{log.Body}{string.Concat(log.Attributes)}".Length, 1, LongestLine));
    }

    private static bool IsOfOthers(ReceivedLog log) =>
        Array.Exists(BehindOrders, about => log.EventName?.StartsWith(about, StringComparison.Ordinal) == true);

    private static async Task<long> CountAsync(GoReliablePlatform platform)
    {
        await using var database = await platform.DatabaseAsync("orders-db");
        return await database.ScalarAsync<long>(Rows);
    }
}
