using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using GoReliable.Gateway;
using GoReliable.Gateway.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>What no real destination can make happen: the gateway's own code failing behind the middleware.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class RequestTelemetryTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<(string Instrument, double Value, string? Status)> recorded = [];
    private readonly MeterListener listener = new();
    private readonly HttpClient client = new();
    private WebApplication app = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton<Telemetry>();
        app = builder.Build();

        var meter = app.Services.GetRequiredService<IMeterFactory>().Create("GoReliable.Gateway");
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Meter == meter)
                listening.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        listener.Start();

        app.UseRouting();
        app.UseMiddleware<RequestTelemetry>();
        app.MapGet("/early", void () => throw new InvalidOperationException("before the answer"));
        app.MapGet("/late", async (HttpResponse response) =>
        {
            response.StatusCode = StatusCodes.Status202Accepted;
            await response.StartAsync(Cancel);
            throw new InvalidOperationException("in the middle of the answer");
        });
        app.MapGet("/silent", () => { });
        await app.StartAsync(Cancel);
        client.BaseAddress = new Uri(app.Urls.Single());
        recorded.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        client.Dispose();
        await app.DisposeAsync();
        listener.Dispose();
    }

    [Fact]
    public void Recording_a_request_allocates_nothing()
    {
        using var services = new ServiceCollection()
            .AddMetrics()
            .AddOpenTelemetry()
            .WithMetrics(metrics =>
                metrics
                    .AddMeter("GoReliable.*")
                    .SetExemplarFilter(ExemplarFilterType.TraceBased)
                    .AddPrometheusExporter()
            )
            .Services.BuildServiceProvider();
        // Builds the reader; without one nothing would be recorded.
        services.GetRequiredService<MeterProvider>();
        var telemetry = new Telemetry(services.GetRequiredService<IMeterFactory>());
        using var span = new Activity("request") { ActivityTraceFlags = ActivityTraceFlags.Recorded }.Start();
        Record(100); // the first of a series makes it

        var before = GC.GetAllocatedBytesForCurrentThread();
        Record(10_000);

        // Not a byte per request, whatever the JIT does meanwhile.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 9_999);

        void Record(int times)
        {
            for (var i = 0; i < times; i++)
            {
                telemetry.RequestStarted();
                telemetry.RequestEnded(
                    Telemetry.KnownMethod("POST"),
                    "/api/v1/orders",
                    201,
                    TimeSpan.FromMilliseconds(3.4)
                );
            }
        }
    }

    [Theory]
    [InlineData("/early", "500")]
    [InlineData("/late", "202")]
    [InlineData("/silent", "200")]
    public async Task A_request_counts_with_the_status_first_sent_and_leaves_nothing_in_flight(
        string path,
        string status
    )
    {
        try
        {
            using var response = await client.GetAsync(path, Cancel);
        }
        catch (HttpRequestException) when (path == "/late")
        {
            // Kestrel cuts off the answer that it cannot complete.
        }
        // Stops when the request is over, also for the middleware.
        await app.StopAsync(Cancel);

        Assert.Equal(
            [
                ("http_requests_in_flight", null),
                ("http_requests_in_flight", null),
                ("http_requests", status),
                ("http_request_duration", status),
            ],
            recorded.Select(measurement => (measurement.Instrument, measurement.Status))
        );
        Assert.Equal([1, -1, 1], recorded.Take(3).Select(measurement => measurement.Value));
    }

    [Theory]
    [InlineData("GET", "GET")]
    [InlineData("get", "GET")]
    [InlineData("OPTIONS", "OPTIONS")]
    [InlineData("BREW", "_OTHER")]
    [InlineData("", "_OTHER")]
    public void A_method_that_HTTP_does_not_define_is_counted_as_other(string method, string label) =>
        Assert.Equal(label, Telemetry.KnownMethod(method));

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string? status = null;
        foreach (var tag in tags)
        {
            if (tag.Key == "status_code")
                status = (string?)tag.Value;
        }
        recorded.Enqueue((instrument.Name["goreliable.api_gateway.".Length..], value, status));
    }
}
