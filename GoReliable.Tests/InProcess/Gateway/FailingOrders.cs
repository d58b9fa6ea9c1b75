using System.Collections.Concurrent;
using System.Text;
using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>An order service that fails as it is told to, and what it was sent.</summary>
internal sealed class FailingOrders
{
    /// <summary>The bodies that came in, at all of its replicas.</summary>
    public ConcurrentQueue<string> Bodies { get; } = [];

    public async Task ReadAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        Bodies.Enqueue(await reader.ReadToEndAsync(context.RequestAborted));
    }

    /// <summary>Takes the body, and then fails.</summary>
    /// <param name="context">The request.</param>
    /// <param name="how">A status, or one of <see cref="Destination"/>'s ways to give no answer.</param>
    public async Task FailAsync(HttpContext context, string how)
    {
        await ReadAsync(context);
        if (int.TryParse(how, out var status))
        {
            context.Response.StatusCode = status;
            // Only of one conflict the order service says that it will pass: the key's first request is at work.
            if (status == StatusCodes.Status409Conflict)
                context.Response.Headers.RetryAfter = "1";
        }
        else if (how == Destination.Drop)
            context.Abort();
        else
            await new TaskCompletionSource().Task.WaitAsync(context.RequestAborted);
    }
}
