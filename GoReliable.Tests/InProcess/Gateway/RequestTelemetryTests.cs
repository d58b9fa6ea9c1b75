using System.Diagnostics;
using System.Diagnostics.Metrics;
using GoReliable.Gateway;
using GoReliable.Gateway.Requests;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OpenTelemetry.Metrics;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>What no real destination can make happen: the gateway's own code failing behind the middleware.</summary>
[Collection(InProcessGateway.Collection)]
public sealed class RequestTelemetryTests
{
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
    [InlineData(true, 200, false, "500")]
    [InlineData(true, 202, true, "202")]
    [InlineData(false, 200, false, "200")]
    public async Task A_request_counts_with_the_status_first_sent_and_leaves_nothing_in_flight(
        bool fails,
        int status,
        bool hasStarted,
        string counted
    )
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = services.GetRequiredService<IMeterFactory>();
        var middleware = new RequestTelemetry(
            _ => fails ? throw new InvalidOperationException("The gateway's own code fails.") : Task.CompletedTask,
            new Telemetry(meters),
            NullLogger<RequestTelemetry>.Instance
        );
        var recorded = new List<(string Instrument, double Value, string? Status)>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument.Meter == meters.Create("GoReliable.Gateway"))
                listening.EnableMeasurementEvents(instrument);
        };
        void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            recorded.Add((instrument.Name, value, tags.Length == 3 ? (string?)tags[2].Value : null));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        listener.Start();
        var context = new DefaultHttpContext();
        context.Features.Set<IHttpResponseFeature>(new Answer(hasStarted) { StatusCode = status });

        var failure = await Xunit.Record.ExceptionAsync(() => middleware.InvokeAsync(context));

        Assert.Equal(fails, failure is InvalidOperationException);
        Assert.Equal(
            [
                ("goreliable.api_gateway.http_requests_in_flight", 1, null),
                ("goreliable.api_gateway.http_requests_in_flight", -1, null),
                ("goreliable.api_gateway.http_requests", 1, counted),
            ],
            recorded.Take(3)
        );
        var duration = Assert.Single(recorded.Skip(3));
        Assert.Equal(("goreliable.api_gateway.http_request_duration", counted), (duration.Instrument, duration.Status));
    }

    [Theory]
    [InlineData("get", "GET")]
    [InlineData("BREW", "_OTHER")]
    [InlineData("", "_OTHER")]
    public void A_method_that_HTTP_does_not_define_is_counted_as_other(string method, string label) =>
        Assert.Equal(label, Telemetry.KnownMethod(method));

    private sealed class Answer(bool hasStarted) : HttpResponseFeature
    {
        public override bool HasStarted => hasStarted;
    }
}
