using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace GoReliable.Tests.Platform;

/// <summary>
/// What the gateway sees as a service: plain Kestrel, which does what the last segment of the path says.
/// </summary>
internal sealed class Destination : IAsyncDisposable
{
    /// <summary>Never answers.</summary>
    public const string Hang = "hang";

    /// <summary>Closes the connection instead of an answer.</summary>
    public const string Drop = "drop";

    /// <summary>Closes the connection in the middle of its answer.</summary>
    public const string Half = "half";

    private readonly WebApplication app;
    private readonly RequestDelegate? answer;

    private Destination(WebApplication app, RequestDelegate? answer) => (this.app, this.answer) = (app, answer);

    /// <summary>What came in, oldest first.</summary>
    public ConcurrentQueue<IHeaderDictionary> Requests { get; } = [];

    /// <summary>Where it listens; the port is free again once this is disposed.</summary>
    public Uri Address => new(app.Urls.Single());

    /// <summary>Starts listening.</summary>
    /// <param name="answer">What it does; if not given, what the last segment of the path says.</param>
    /// <param name="port">Where; any free port, if not given.</param>
    public static async Task<Destination> StartAsync(RequestDelegate? answer = null, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var destination = new Destination(builder.Build(), answer);
        destination.app.Run(destination.AnswerAsync);
        await destination.app.StartAsync(TestContext.Current.CancellationToken);
        return destination;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Requests.Enqueue(new HeaderDictionary(context.Request.Headers.ToDictionary()));
        // As a service with the same defaults would; the client must get the header once.
        context.Response.Headers["X-Trace-Id"] = "of the destination";
        if (answer is not null)
        {
            await answer(context);
            return;
        }

        var what = context.Request.Path.Value!.Split('/')[^1];
        if (int.TryParse(what, out var status) && status >= 200)
        {
            context.Response.StatusCode = status;
            return;
        }
        switch (what)
        {
            case Hang:
                await new TaskCompletionSource().Task.WaitAsync(context.RequestAborted);
                break;
            case Drop:
                context.Abort();
                break;
            case Half:
                context.Response.ContentLength = 1000;
                await context.Response.Body.WriteAsync(new byte[10]);
                await context.Response.Body.FlushAsync();
                context.Abort();
                break;
            default:
                using (var body = new StreamReader(context.Request.Body, Encoding.UTF8))
                    await context.Response.WriteAsync($"{(await body.ReadToEndAsync()).Length} characters");
                break;
        }
    }
}
