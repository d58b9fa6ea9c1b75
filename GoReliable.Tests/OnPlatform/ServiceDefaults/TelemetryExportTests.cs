using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Exporter;
using OtlpReceiver;

namespace GoReliable.Tests.OnPlatform.ServiceDefaults;

public sealed class TelemetryExportTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_standard_variables_win_over_a_services_own_attributes()
    {
        await using var gateway = await GatewayProcess.StartAsync(
            [],
            ("OTEL_SERVICE_NAME", "edge"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=edge-1,deployment.environment.name=blue")
        );

        var info = Assert.Single((await gateway.ScrapeAsync()).Series("target_info"));

        Assert.Contains("service_name=\"edge\"", info, StringComparison.Ordinal);
        Assert.Contains("service_namespace=\"goreliable\"", info, StringComparison.Ordinal);
        Assert.Contains("service_instance_id=\"edge-1\"", info, StringComparison.Ordinal);
        Assert.Contains("deployment_environment_name=\"blue\"", info, StringComparison.Ordinal);
        Assert.All(gateway.Events, line => Assert.Equal("edge", line.GetProperty("service").GetString()));
    }

    // To that for all signals every platform of these tests exports.
    [Fact]
    public async Task Spans_are_exported_to_the_endpoint_for_traces()
    {
        await using var receiver = await OtlpEndpoint.StartAsync(Cancel);
        await using var gateway = await GatewayProcess.StartAsync(
            [],
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", receiver.GrpcEndpoint.OriginalString)
        );

        await gateway.Client.GetAsync("/api/v1/orders", Cancel);

        await receiver.WaitForSpanAsync(span => span.Name == "GET /api/v1/orders", Cancel);
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData("http://127.0.0.1:4317", true)]
    public void Without_an_endpoint_there_is_no_exporter_that_could_wait_for_one(string? endpoint, bool exports)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["MANAGEMENT_PORT"] = $"{ServiceProcess.FreePort()}";
        builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint;

        builder.AddServiceDefaults();

        var exporter = typeof(OtlpExporterOptions).Assembly;
        Assert.Equal(
            exports,
            builder.Services.Any(service =>
                service.ServiceType.Assembly == exporter
                || service.ServiceType.GenericTypeArguments.Any(type => type.Assembly == exporter)
            )
        );
    }

    [Fact]
    public async Task Exemplars_can_be_switched_off_by_their_variable()
    {
        await using var gateway = await GatewayProcess.StartAsync([], ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"));
        await gateway.Client.GetAsync("/api/v1/orders", Cancel);

        Assert.DoesNotContain(
            "trace_id",
            (await gateway.ScrapeAsync(openMetrics: true)).Text,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("always_on", true)]
    [InlineData("always_off", false)]
    public async Task Protocol_and_sampler_are_those_of_the_standard_variables(string sampler, bool isSampled)
    {
        await using var otlp = await OtlpEndpoint.StartAsync(Cancel);
        await using var gateway = await GatewayProcess.StartAsync(
            [],
            ("OTEL_EXPORTER_OTLP_ENDPOINT", otlp.HttpEndpoint.OriginalString),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_TRACES_SAMPLER", sampler)
        );
        await gateway.Client.GetAsync("/api/v1/orders", Cancel);

        // What it has not sent yet, it sends at its end.
        await gateway.StopAsync();

        Assert.Contains(otlp.Logs(), log => log.EventName == "http.request");
        Assert.Equal(isSampled, otlp.Spans().Any(span => span.Kind == ActivityKind.Server));
    }

    [Fact]
    public async Task In_development_logs_are_text()
    {
        await using var gateway = await GatewayProcess.StartAsync([], ("ASPNETCORE_ENVIRONMENT", "Development"));

        await Poll.UntilAsync(
            "its start in the log",
            () => Task.FromResult(string.Join('\n', gateway.Output)),
            output => output.Contains("Application started", StringComparison.Ordinal)
        );
        Assert.Empty(gateway.Events);
    }

    [Fact]
    public async Task Outside_development_every_line_is_JSON_and_frameworks_keep_quiet()
    {
        await using var orders = await Destination.StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(
            [orders.Address],
            ("ASPNETCORE_ENVIRONMENT", "Production"),
            ("Authentication__Schemes__Bearer__Authority", "https://id.example")
        );
        gateway.Client.DefaultRequestHeaders.Authorization = null;
        await gateway.Client.GetAsync("/docs", Cancel);
        await gateway.StopAsync();

        Assert.Equal(gateway.Output.Count, gateway.Events.Count());
        Assert.Equal(
            [
                "GoReliable.Gateway.Requests.RequestTelemetry",
                "GoReliable.ServiceDefaults.Lifecycle.Drain",
                "Microsoft.Hosting.Lifetime",
            ],
            gateway.Events.Select(line => line.GetProperty("logger").GetString()).Distinct().Order()
        );
    }

    [Fact]
    public async Task A_collector_that_never_answers_costs_no_request_no_memory_and_no_time_at_the_end()
    {
        // Worse than nobody: it accepts, and says no word.
        using var collector = new TcpListener(IPAddress.Loopback, 0);
        collector.Start();
        var endpoint = $"http://{collector.LocalEndpoint}";
        await using var orders = await Destination.StartAsync();
        await using var gateway = await GatewayProcess.StartAsync(
            [orders.Address],
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
            ("DOTNET_GCHeapHardLimit", "0x3800000")
        );

        // Many times what the queues hold. Kept, the spans and log records would not fit into that heap.
        await Parallel.ForAsync(
            0,
            8_000,
            new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Cancel },
            async (_, cancel) =>
            {
                var asked = Stopwatch.GetTimestamp();
                using var response = await gateway.Client.GetAsync("/api/v1/orders", cancel);
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                // Half of what an export waits for its collector.
                Assert.InRange(Stopwatch.GetElapsedTime(asked), TimeSpan.Zero, TimeSpan.FromSeconds(5));
            }
        );

        Assert.InRange(await gateway.StopAsync(), TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_scrape_of_5000_series_takes_less_than_50_ms()
    {
        using var meter = new Meter("GoReliable.Tests.Scrape");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["URLS"] = "http://127.0.0.1:0";
        builder.Configuration["MANAGEMENT_PORT"] = $"{ServiceProcess.FreePort()}";
        builder.AddServiceDefaults();
        builder.Logging.ClearProviders();
        // The cache, for several scrapers at once, would be what is measured.
        builder.Services.Configure<PrometheusAspNetCoreOptions>(prometheus =>
            prometheus.ScrapeResponseCacheDurationMilliseconds = 0
        );
        await using var app = builder.Build();
        app.MapDefaultEndpoints();
        await app.StartAsync(Cancel);
        // A metric holds at most 2000 combinations of labels.
        for (var i = 0; i < 5; i++)
        {
            var counter = meter.CreateCounter<long>($"goreliable.test.scrape{i}");
            for (var j = 0; j < 1000; j++)
                counter.Add(1, new("method", "GET"), new("route", "/api/v1/orders/{id}"), new("number", j));
        }
        using var client = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{builder.Configuration["MANAGEMENT_PORT"]}"),
        };

        var best = TimeSpan.MaxValue;
        for (var i = 0; i < 30; i++)
        {
            var asked = Stopwatch.GetTimestamp();
            var text = await client.GetStringAsync("/metrics", Cancel);
            var took = Stopwatch.GetElapsedTime(asked);
            // And those of whatever other servers run in the tests' process at the same time.
            Assert.InRange(new ScrapeText(text).Lines.Count(line => !line.StartsWith('#')), 5000, int.MaxValue);
            best = took < best ? took : best;
        }

        TestContext.Current.SendDiagnosticMessage($"Best scrape of 5000 series: {best.TotalMilliseconds:0.0} ms");
        Assert.InRange(best, TimeSpan.Zero, TimeSpan.FromMilliseconds(50));
    }
}
