using System.Net;
using GoReliable.Tests.Platform;
using Microsoft.Extensions.Logging;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.Signals;

[Collection(SharedPlatform.Name)]
public sealed class LogTests(SharedPlatform shared)
{
    private const string Body = """{"currency":"EUR","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}""";

    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task The_log_lines_of_an_order_carry_its_trace_in_all_three_services()
    {
        using var alice = platform.Client("alice");
        var response = await alice.PostRawAsync(Body);
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
            var line = await WaitForAsync(response, @event);
            Assert.Equal((service, LogLevel.Information), (line.Service, line.Level));
            await platform.Telemetry.WaitForSpanAsync(
                span => span.TraceId == line.TraceId && span.SpanId == line.SpanId,
                TestContext.Current.CancellationToken
            );
        }
        Assert.Contains(platform.Telemetry.Logs(TraceIdOf(response)), line => order == (string?)line["OrderId"]);
    }

    [Fact]
    public async Task A_request_is_one_line_with_its_route_and_not_its_path()
    {
        using var alice = platform.Client("alice");
        var order = await alice.CreateAsync();
        var response = await alice.GetAsync($"{OrdersClient.Orders}/{order}", TestContext.Current.CancellationToken);
        await WaitForAsync(response, "http.request");

        var line = Assert.Single(platform.Telemetry.Logs(TraceIdOf(response)), log => log.Service == "gateway");
        Assert.Equal(
            ("GET", "/api/v1/orders/{id}", 200L),
            ((string?)line["Method"], (string?)line["Route"], (long?)line["StatusCode"])
        );
    }

    [Fact]
    public async Task A_request_that_the_database_refuses_is_logged_once_without_a_stack_trace()
    {
        // What PostgreSQL answers when its disk is full, for one customer only.
        await using var database = await platform.DatabaseAsync("orders-db");
        await database.RunAsync(
            """
            CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
            CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON orders
                FOR EACH ROW WHEN (NEW.customer_id = 'refused') EXECUTE FUNCTION refuse();
            """
        );
        using var refused = platform.Client("refused");

        var response = await refused.PostRawAsync(Body);

        await response.AssertProblemAsync(HttpStatusCode.ServiceUnavailable);
        Assert.Equal(TimeSpan.FromSeconds(5), response.Headers.RetryAfter?.Delta);
        await WaitForAsync(response, "http.request");
        await WaitForAsync(response, "request.unavailable");
        var line = Assert.Single(platform.Telemetry.Logs(TraceIdOf(response)), log => log.Level > LogLevel.Information);
        Assert.Equal("53100: no space left on device", line["Reason"]);
        Assert.Null(line["exception.stacktrace"]);
    }

    private static string TraceIdOf(HttpResponseMessage response) => response.Headers.GetValues("X-Trace-Id").Single();

    private Task<ReceivedLog> WaitForAsync(HttpResponseMessage response, string @event) =>
        platform.Telemetry.WaitForLogAsync(
            log => log.TraceId == TraceIdOf(response) && log.EventName == @event,
            TestContext.Current.CancellationToken
        );
}
