using System.Net;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.InProcess.ServiceDefaults;

/// <summary>The HTTP clients that every service gets.</summary>
public sealed class HttpClientTests
{
    [Fact]
    public async Task A_post_that_fails_is_not_sent_again()
    {
        await using var failing = await Destination.StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return Task.CompletedTask;
        });
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration["URLS"] = $"http://127.0.0.1:{ServiceProcess.FreePort()}";
        builder.Configuration["MANAGEMENT_PORT"] = $"{ServiceProcess.FreePort()}";
        builder.AddServiceDefaults();
        builder.Logging.ClearProviders();
        await using var app = builder.Build();
        using var client = app.Services.GetRequiredService<IHttpClientFactory>().CreateClient();

        using var answer = await client.PostAsync(
            failing.Address,
            content: null,
            TestContext.Current.CancellationToken
        );

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Single(failing.Requests);
    }
}
