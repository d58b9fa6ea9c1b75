using GoReliable.Tests.Platform;
using Microsoft.AspNetCore.Http;

namespace GoReliable.Tests.OnPlatform.Lifecycle;

/// <summary>
/// What the gateway sees as a service: answers when it is allowed to, to <c>…/slow</c>, and at once to all else.
/// </summary>
internal sealed class SlowService : IAsyncDisposable
{
    private readonly TaskCompletionSource asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource allowed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Destination destination = null!;

    private SlowService() { }

    public string Address => $"{destination.Address}";

    /// <summary>Ends when the slow request has come in.</summary>
    public Task Asked => asked.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    public static async Task<SlowService> StartAsync()
    {
        var service = new SlowService();
        service.destination = await Destination.StartAsync(service.AnswerAsync);
        return service;
    }

    /// <summary>Answers the slow request.</summary>
    public void Answer() => allowed.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        Answer();
        await destination.DisposeAsync();
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
