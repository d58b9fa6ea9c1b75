using System.Net;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

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
        await using var app = BareService.Builder().Build();
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
