using System.Diagnostics;
using System.Net;
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
        var response = await alice.PostRawAsync(
            """{"currency":"CHF","items":[{"sku":"a","quantity":1,"unitPrice":1.5}]}"""
        );
        var trace = await platform.Telemetry.WaitForTraceAsync(
            response.Headers.GetValues("X-Trace-Id").Single(),
            ["POST /api/v1/orders", "POST /api/v1/orders", "store notifications"],
            TestContext.Current.CancellationToken
        );

        foreach (
            var (service, histogram, kind) in new[]
            {
                ("gateway", "goreliable_api_gateway_http_request_duration_seconds_bucket", ActivityKind.Server),
                ("orders", "goreliable_order_service_order_operation_duration_seconds_bucket", ActivityKind.Server),
                (
                    "notifications",
                    "goreliable_notification_worker_message_processing_duration_seconds_bucket",
                    ActivityKind.Consumer
                ),
            }
        )
        {
            var exemplar = await Poll.UntilAsync(
                $"an exemplar of {trace.TraceId} at {service}",
                async () =>
                    (await platform.ScrapeAsync())[service]
                        .Find(histogram)
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
        using var stranger = platform.Client(null);
        var alice = platform.Tokens.Bearer("alice");
        Task SendAsync(int first, int count) =>
            Parallel.ForAsync(
                first,
                first + count,
                new ParallelOptions
                {
                    MaxDegreeOfParallelism = 16,
                    CancellationToken = TestContext.Current.CancellationToken,
                },
                async (i, token) =>
                {
                    // In turn: an unknown path, a known path with an unknown method, no token, an order that does not
                    // exist.
                    var (method, path, authorization, status) = (i % 4) switch
                    {
                        0 => (HttpMethod.Delete, $"/{Guid.NewGuid()}/{i}", null, HttpStatusCode.NotFound),
                        1 => (
                            new HttpMethod($"M{i}"),
                            $"{OrdersClient.Orders}/{Guid.NewGuid()}",
                            null,
                            HttpStatusCode.MethodNotAllowed
                        ),
                        2 => (
                            HttpMethod.Get,
                            $"{OrdersClient.Orders}/{Guid.NewGuid()}",
                            null,
                            HttpStatusCode.Unauthorized
                        ),
                        _ => (
                            HttpMethod.Get,
                            $"{OrdersClient.Orders}/{Guid.NewGuid()}",
                            alice,
                            HttpStatusCode.NotFound
                        ),
                    };
                    using var request = new HttpRequestMessage(method, path)
                    {
                        Headers = { Host = $"host-{i}.example.com", Authorization = authorization },
                    };
                    using var response = await stranger.SendAsync(request, token);
                    Assert.Equal(status, response.StatusCode);
                }
            );
        const string Requests = "goreliable_api_gateway_http_requests_total";
        var counted = (await platform.ScrapeAsync())["gateway"].Sum(Requests);
        // The series of the four answers are there then.
        await SendAsync(0, 100);
        var before = await Poll.UntilAsync("100 requests more", platform.ScrapeAsync, scrape =>
            scrape["gateway"].Sum(Requests) >= counted + 100
        );

        await SendAsync(100, 1_000);

        var after = await platform.ScrapeAsync();
        var scrape = after["gateway"];
        Assert.Subset(
            new HashSet<string>
            {
                "GET",
                "POST",
                "PUT",
                "PATCH",
                "DELETE",
                "HEAD",
                "OPTIONS",
                "TRACE",
                "CONNECT",
                "_OTHER",
            },
            scrape.Find(Requests, ("route", "unknown")).Select(sample => sample.Labels["method"]).ToHashSet()
        );
        // A few new series at most; one histogram has about 15 lines. Series per connection may have gone.
        Assert.All(ServiceMetrics.Services, service =>
            Assert.True(
                after[service].Samples.Count - before[service].Samples.Count < 100,
                $"{service}: {before[service].Samples.Count} before, {after[service].Samples.Count} after"
            )
        );
        Assert.DoesNotContain("host-", scrape.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Promtool_finds_no_problem_in_our_families()
    {
        foreach (var service in ServiceMetrics.Services)
        {
            using var management = platform.Management(service);
            var plain = await management.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
            var ours =
                string.Join(
                    '\n',
                    plain
                        .Split('\n')
                        .Where(line =>
                            line.Contains("goreliable_", StringComparison.Ordinal)
                            && !line.StartsWith("target_info", StringComparison.Ordinal)
                        )
                ) + "\n";
            Assert.Equal((0, ""), await PromtoolAsync(ours));
        }
    }

    private static async Task<(int ExitCode, string Output)> PromtoolAsync(string metrics)
    {
        using var promtool = Process.Start(
            new ProcessStartInfo("promtool", ["check", "metrics"])
            {
                RedirectStandardInput = true,
                RedirectStandardError = true,
            }
        )!;
        await promtool.StandardInput.WriteAsync(metrics);
        promtool.StandardInput.Close();
        var output = await promtool.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await promtool.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (promtool.ExitCode, output);
    }
}
