using System.Diagnostics;
using System.Net;
using GoReliable.Tests.Files.Deploy;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Signals;

/// <summary>What the services expose is in good form: exemplars, names, and the number of series.</summary>
[Collection(SharedPlatform.Name)]
public sealed class MetricsFormatTests(SharedPlatform shared)
{
    private readonly GoReliablePlatform platform = shared.Platform;

    [Fact]
    public async Task An_exemplar_leads_to_its_trace()
    {
        using var alice = platform.Client("alice");
        var trace = await platform.TraceAsync(
            await alice.PostRawAsync("""{"currency":"CHF","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}"""),
            "store notifications"
        );

        foreach (
            var (service, histogram, kind) in new[]
            {
                ("gateway", "api_gateway_http_request_duration", ActivityKind.Server),
                ("orders", "order_service_order_operation_duration", ActivityKind.Server),
                ("notifications", "notification_worker_message_processing_duration", ActivityKind.Consumer),
            }
        )
        {
            var exemplar = await Poll.UntilAsync(
                $"an exemplar of {trace.TraceId} at {service}",
                async () =>
                    (await platform.ScrapeAsync())[service]
                        .Find($"goreliable_{histogram}_seconds_bucket")
                        .Select(sample => sample.Exemplar)
                        .SingleOrDefault(exemplar => exemplar.GetValueOrDefault("trace_id") == trace.TraceId),
                exemplar => exemplar is not null
            );
            Assert.Equal(trace.Only(span => span.Service == service && span.Kind == kind).SpanId, exemplar!["span_id"]);
        }
    }

    [Fact]
    public async Task Whatever_clients_send_the_number_of_series_stays_small()
    {
        const string Requests = "goreliable_api_gateway_http_requests_total";
        var counted = (await platform.ScrapeAsync())["gateway"].Sum(Requests);
        // The series of the four answers are there then.
        await SendStrangeAsync(0, 40);
        var before = await Poll.UntilAsync(
            "40 requests more",
            () => platform.ScrapeAsync(),
            scrape => scrape["gateway"].Sum(Requests) >= counted + 40
        );

        await SendStrangeAsync(40, 600);

        var after = await platform.ScrapeAsync();
        // A few new series at most; one histogram has about 15 lines. Series per connection may have gone.
        Assert.All(ServiceMetrics.Services, service =>
            Assert.True(
                after[service].Samples.Count - before[service].Samples.Count < 100,
                $"{service}: {before[service].Samples.Count} before, {after[service].Samples.Count} after"
            )
        );
        Assert.DoesNotContain("host-", after["gateway"].Text, StringComparison.Ordinal);
    }

    // In turn: an unknown path, a known path with an unknown method, no token, an order that does not exist.
    private async Task SendStrangeAsync(int first, int count)
    {
        using var stranger = platform.Client(null);
        var alice = platform.Tokens.Bearer("alice");
        await Parallel.ForAsync(first, first + count, TestContext.Current.CancellationToken, async (i, cancel) =>
        {
            var (method, path, status) = (i % 4) switch
            {
                0 => ("DELETE", "", HttpStatusCode.NotFound),
                1 => ($"M{i}", OrdersClient.Orders, HttpStatusCode.MethodNotAllowed),
                2 => ("GET", OrdersClient.Orders, HttpStatusCode.Unauthorized),
                _ => ("GET", OrdersClient.Orders, HttpStatusCode.NotFound),
            };
            using var request = new HttpRequestMessage(new HttpMethod(method), $"{path}/{Guid.NewGuid()}")
            {
                Headers = { Host = $"host-{i}.example.com", Authorization = i % 4 == 3 ? alice : null },
            };
            using var response = await stranger.SendAsync(request, cancel);
            Assert.Equal(status, response.StatusCode);
        });
    }

    [Fact]
    public async Task Promtool_finds_no_problem_in_our_families()
    {
        foreach (var service in ServiceMetrics.Services)
        {
            using var management = platform.Management(service);
            Assert.Equal(
                (0, ""),
                await Tool.RunAsync(
                    "bash",
                    "part of every system",
                    "-o",
                    "pipefail",
                    "-c",
                    $"curl --silent --show-error --fail {management.BaseAddress}metrics | grep goreliable_ "
                        + "| grep -v ^target_info | promtool check metrics"
                )
            );
        }
    }
}
