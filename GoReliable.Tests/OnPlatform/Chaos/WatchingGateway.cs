using System.Net;
using GoReliable.Tests.OnPlatform.Lifecycle;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.OnPlatform.Chaos;

/// <summary>A gateway in front of a service that is well, and the file of settings that it watches.</summary>
internal sealed class WatchingGateway : IAsyncDisposable
{
    private readonly SettingsFile file = new();
    private SlowService? orders;
    private ServiceProcess? process;

    private WatchingGateway() { }

    public ServiceProcess Process => process!;

    public static async Task<WatchingGateway> StartAsync(string settings, params (string, string)[] more)
    {
        var gateway = new WatchingGateway();
        try
        {
            await gateway.WriteAsync(settings);
            gateway.orders = await SlowService.StartAsync();
            gateway.process = await ServiceProcess.StartAsync(
                "Gateway",
                [
                    ("services__orders__http__0", gateway.orders.Address),
                    ("GORELIABLE_CONFIG", gateway.file.Path),
                    .. more,
                ]
            );
            return gateway;
        }
        catch
        {
            await gateway.DisposeAsync();
            throw;
        }
    }

    public Task WriteAsync(string settings) => file.WriteAsync(settings);

    public Task<HttpResponseMessage> GetAsync() =>
        Process.Client.GetAsync("/docs/quick", TestContext.Current.CancellationToken);

    /// <summary>What it answers to a request that it forwards.</summary>
    public async Task<HttpStatusCode> AskAsync()
    {
        using var answer = await GetAsync();
        return answer.StatusCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
            await process.DisposeAsync();
        if (orders is not null)
            await orders.DisposeAsync();
        file.Dispose();
    }
}
