using System.Net.Sockets;
using System.Text;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>A request of a customer whose body does not come to its end, until it is told to.</summary>
internal sealed class SlowBody : IDisposable
{
    private readonly TcpClient client = new();

    private SlowBody() { }

    public static async Task<SlowBody> BeginAsync(InProcessGateway gateway, string customer)
    {
        var slow = new SlowBody();
        await slow.client.ConnectAsync(
            gateway.Client.BaseAddress!.Host,
            gateway.Client.BaseAddress.Port,
            TestContext.Current.CancellationToken
        );
        await slow.WriteAsync(
            $"POST /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                + $"Authorization: {GatewayProcess.Tokens.Bearer(customer)}\r\nContent-Length: 3\r\n\r\na"
        );
        return slow;
    }

    /// <summary>Sends the rest.</summary>
    /// <returns>The whole answer.</returns>
    public async Task<string> EndAsync()
    {
        await WriteAsync("bc");
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII, leaveOpen: true);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    public void Dispose() => client.Dispose();

    private async Task WriteAsync(string text) =>
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text), TestContext.Current.CancellationToken);
}
