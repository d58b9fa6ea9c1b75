using System.Net;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Signals;

[Collection(SharedPlatform.Name)]
public sealed class LogTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task The_log_lines_of_an_order_carry_its_trace_in_all_three_services()
    {
        using var alice = platform.Client("alice");
        var response = await alice.PostRawAsync(
            """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}"""
        );
        var traceId = response.Headers.GetValues("X-Trace-Id").Single();
        var order = $"{(await response.ReadAsync<OrderAnswer>()).Id}";

        foreach (
            var (service, @event) in new[]
            {
                ("gateway", "http.request"),
                ("orders", "order.created"),
                ("notifications", "notification.delivered"),
            }
        )
        {
            var line = await WaitForAsync(log => log.TraceId == traceId && log.EventName == @event);
            Assert.Equal(service, line.Service);
            Assert.Equal(LogLevel.Information, line.Level);
            await platform.Telemetry.WaitForSpanAsync(
                span => span.TraceId == traceId && span.SpanId == line.SpanId,
                TestContext.Current.CancellationToken
            );
        }
        Assert.Contains(platform.Telemetry.Logs(traceId), line => order == (string?)line["OrderId"]);
    }

    [Fact]
    public async Task A_request_is_one_line_with_its_route_and_not_its_path()
    {
        using var alice = platform.Client("alice");
        var order = await alice.CreateAsync();
        var response = await alice.GetAsync($"{OrdersClient.Orders}/{order}", TestContext.Current.CancellationToken);
        var traceId = response.Headers.GetValues("X-Trace-Id").Single();
        await WaitForAsync(log => log.TraceId == traceId && log.EventName == "http.request");

        var line = Assert.Single(platform.Telemetry.Logs(traceId), log => log.Service == "gateway");
        Assert.Equal("/api/v1/orders/{id}", line["Route"]);
        Assert.Equal("GET", line["Method"]);
        Assert.Equal(200L, line["StatusCode"]);
    }

    [Fact]
    public async Task A_message_that_fails_is_logged_once_per_attempt_in_its_trace()
    {
        var message = await TestEvent.PublishAsync(platform, block: true);
        var retried = await WaitForAsync(log =>
            log.TraceId == message.TraceId && log.EventName == "notification.retried"
        );
        message.Unblock();
        var delivered = await WaitForAsync(log =>
            log.TraceId == message.TraceId && log.EventName == "notification.delivered"
        );

        Assert.Equal(LogLevel.Warning, retried.Level);
        // Each attempt before the one that succeeded, and not a word more.
        var failures = Enumerable
            .Range(1, (int)(long)delivered["Attempt"]! - 1)
            .Select(attempt => ("notification.retried", (object?)(long)attempt));
        Assert.Equal(
            failures,
            platform
                .Telemetry.Logs(message.TraceId)
                .Where(log => log.Level > LogLevel.Information)
                .Select(log => (log.EventName, log["Attempt"]))
        );
    }

    [Fact]
    public async Task A_request_that_the_database_refuses_is_logged_once_without_a_stack_trace()
    {
        // What PostgreSQL answers when its disk is full, for one customer only.
        await using var database = await platform.DatabaseAsync("orders-db");
        await using (
            var refuse = database.CreateCommand(
                """
                CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
                CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON orders
                    FOR EACH ROW WHEN (NEW.customer_id = 'refused') EXECUTE FUNCTION refuse();
                """
            )
        )
            await refuse.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        using var refused = platform.Client("refused");

        var response = await refused.PostRawAsync(
            """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}"""
        );

        await response.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
        Assert.Equal(TimeSpan.FromSeconds(5), response.Headers.RetryAfter?.Delta);
        var traceId = response.Headers.GetValues("X-Trace-Id").Single();
        await WaitForAsync(log => log.TraceId == traceId && log.EventName == "http.request");
        await WaitForAsync(log => log.TraceId == traceId && log.EventName == "request.unavailable");
        var line = Assert.Single(platform.Telemetry.Logs(traceId), log => log.Level > LogLevel.Information);
        Assert.Equal("53100: no space left on device", line["Reason"]);
        Assert.Null(line["exception.stacktrace"]);
    }

    private Task<ReceivedLog> WaitForAsync(Func<ReceivedLog, bool> wanted) =>
        platform.Telemetry.WaitForLogAsync(wanted, TestContext.Current.CancellationToken);
}
