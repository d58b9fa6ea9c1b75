using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace GoReliable.Tests.Platform;

/// <summary>
/// Stands in front of PostgreSQL and treats start-up options as poolers do: it refuses them (PgBouncer), or leaves them
/// out (PgBouncer with <c>ignore_startup_parameters = options</c>). Everything after that passes.
/// </summary>
internal sealed class Pooler : IDisposable
{
    private const int EncryptionRequest = 80877103;

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly string serverHost;
    private readonly int serverPort;
    private readonly string? refusal;

    /// <param name="serverHost">PostgreSQL's.</param>
    /// <param name="serverPort">PostgreSQL's.</param>
    /// <param name="refusal">SQLSTATE and message for those who send options; null leaves the options out.</param>
    public Pooler(string serverHost, int serverPort, string? refusal = null)
    {
        (this.serverHost, this.serverPort, this.refusal) = (serverHost, serverPort, refusal);
        listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public void Dispose() => listener.Dispose();

    private async Task AcceptAsync()
    {
        while (true)
            _ = PassAsync(await listener.AcceptTcpClientAsync());
    }

    private async Task PassAsync(TcpClient accepted)
    {
        using var client = accepted;
        var toClient = client.GetStream();
        // Encryption is asked for first, and there is none.
        var start = await ReadStartAsync(toClient);
        while (BinaryPrimitives.ReadInt32BigEndian(start) == EncryptionRequest)
        {
            await toClient.WriteAsync("N"u8.ToArray());
            start = await ReadStartAsync(toClient);
        }

        var words = Encoding.UTF8.GetString(start.AsSpan(4)).TrimEnd('\0').Split('\0');
        var parameters = words.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1]);
        if (parameters.Remove("options") && refusal is not null)
        {
            await toClient.WriteAsync(Message('E', $"SFATAL\0VFATAL\0C{refusal[..5]}\0M{refusal[6..]}\0\0"));
            return;
        }

        using var server = new TcpClient();
        await server.ConnectAsync(serverHost, serverPort);
        var toServer = server.GetStream();
        var body = Encoding.UTF8.GetBytes(
            string.Concat(parameters.Select(parameter => $"{parameter.Key}\0{parameter.Value}\0")) + "\0"
        );
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, 8 + body.Length);
        await toServer.WriteAsync((byte[])[.. length, .. start.AsSpan(0, 4), .. body]);
        await Task.WhenAny(toClient.CopyToAsync(toServer), toServer.CopyToAsync(toClient));
    }

    // The first message has no type; it begins with its length, its own four bytes among them.
    private static async Task<byte[]> ReadStartAsync(NetworkStream client)
    {
        var length = new byte[4];
        await client.ReadExactlyAsync(length);
        var message = new byte[BinaryPrimitives.ReadInt32BigEndian(length) - 4];
        await client.ReadExactlyAsync(message);
        return message;
    }

    private static byte[] Message(char type, string text)
    {
        var body = Encoding.UTF8.GetBytes(text);
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, 4 + body.Length);
        return [(byte)type, .. length, .. body];
    }
}
