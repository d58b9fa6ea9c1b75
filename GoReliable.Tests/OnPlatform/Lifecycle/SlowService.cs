using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>
/// What the gateway sees as a service: answers when it is allowed to, to <c>…/slow</c>, and at once to all else.
/// </summary>
internal sealed class SlowService : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource allowed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private SlowService(WebApplication app) => this.app = app;

    public string Address => app.Urls.Single();

    /// <summary>Ends when the slow request has come in.</summary>
    public Task Asked => asked.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    public static async Task<SlowService> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var service = new SlowService(builder.Build());
        service.app.Run(service.AnswerAsync);
        await service.app.StartAsync(TestContext.Current.CancellationToken);
        return service;
    }

    /// <summary>Answers the slow request.</summary>
    public void Answer() => allowed.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        Answer();
        await app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (context.Request.Path.Value!.EndsWith("/slow", StringComparison.Ordinal))
        {
            asked.TrySetResult();
            await allowed.Task;
        }
        await context.Response.WriteAsync("done");
    }
}
