using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace GoReliable.Tests.InProcess.ServiceDefaults;

public sealed class ServerSpanTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_failure_is_an_error_with_its_exception_recorded_once()
    {
        var span = await SpanOfAsync(context => throw new InvalidOperationException("no stock"));

        Assert.Equal(ActivityStatusCode.Error, span.Status);
        var recorded = Assert.Single(span.Events);
        Assert.Equal("exception", recorded.Name);
        Assert.Contains(new("exception.message", "no stock"), recorded.Tags);
    }

    [Fact]
    public async Task A_bad_request_that_is_thrown_is_no_error()
    {
        var span = await SpanOfAsync(context =>
            throw new BadHttpRequestException("too large", StatusCodes.Status413PayloadTooLarge)
        );

        Assert.Equal(413, span.GetTagItem("http.response.status_code"));
        Assert.Equal(ActivityStatusCode.Unset, span.Status);
        Assert.Empty(span.Events);
    }

    private static async Task<Activity> SpanOfAsync(RequestDelegate endpoint)
    {
        var ended = new TaskCompletionSource<Activity>(TaskCreationOptions.RunContinuationsAsynchronously);
        var builder = BareService.Builder();
        var address = new Uri(builder.Configuration["URLS"]!.Split(';')[0]);
        builder.Services.ConfigureOpenTelemetryTracerProvider(traces =>
            traces.AddProcessor(new Collector(address.Port, ended))
        );
        await using var app = builder.Build();
        app.MapDefaultEndpoints();
        app.UseExceptionHandler();
        app.Run(endpoint);
        await app.StartAsync(Cancel);

        using var client = new HttpClient();
        using var response = await client.GetAsync(address, Cancel);
        return await ended.Task.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    // Other tests of this process have spans too; the port tells them apart.
    private sealed class Collector(int port, TaskCompletionSource<Activity> ended) : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            if (data.Kind == ActivityKind.Server && data.GetTagItem("server.port") is int number && number == port)
                ended.TrySetResult(data);
        }
    }
}
