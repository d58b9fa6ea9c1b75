using System.Net.Sockets;
using System.Text;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.InProcess.Gateway;

/// <summary>A request that does not come to its end, until it is told to.</summary>
internal sealed class SlowRequest : IDisposable
{
    private readonly TcpClient client = new();

    private SlowRequest() { }

    /// <param name="gateway">Where it is sent to.</param>
    /// <param name="customer">Whose it is.</param>
    /// <param name="method">Its method.</param>
    /// <param name="beginning">What it begins with, after its first headers.</param>
    public static async Task<SlowRequest> BeginAsync(
        InProcessGateway gateway,
        string customer,
        string method,
        string beginning
    )
    {
        var slow = new SlowRequest();
        var address = gateway.Client.BaseAddress!;
        await slow.client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        await slow.SendAsync(
            $"{method} /api/v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                + $"Authorization: {GatewayProcess.Tokens.Bearer(customer)}\r\n{beginning}"
        );
        return slow;
    }

    /// <summary>Goes on with it.</summary>
    public async Task SendAsync(string text) =>
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(text), TestContext.Current.CancellationToken);

    /// <summary>All that comes back until the connection is closed.</summary>
    public async Task<string> AnswerAsync()
    {
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII, leaveOpen: true);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    public void Dispose() => client.Dispose();
}
