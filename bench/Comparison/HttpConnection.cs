using System.Net;
using System.Net.Sockets;

namespace GoReliable.Bench.Comparison;

/// <summary>
/// A keep-alive connection that sends prepared bytes and parses only what it must of the response: the less the load
/// generator costs, the more CPU is left for what is measured. Blocking: one thread per connection.
/// </summary>
internal sealed class HttpConnection(int port) : IDisposable
{
    /// <summary>The status of a request without an answer.</summary>
    public const int NoAnswer = 0;

    private const int StatusAt = 9; // after "HTTP/1.1 "
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly byte[] buffer = new byte[64 * 1024];
    private Socket? socket;
    private int received;
    private int bodyAt;

    /// <summary>Of the last answer; in chunks, as it came, if it has no length.</summary>
    public ReadOnlySpan<byte> Body => buffer.AsSpan(bodyAt, received - bodyAt);

    /// <summary>Sends a request and waits for the whole answer.</summary>
    /// <returns>Its status.</returns>
    public int Send(ReadOnlySpan<byte> request)
    {
        received = bodyAt = 0;
        try
        {
            socket ??= Connect();
            while (request.Length > 0)
                request = request[socket.Send(request)..];
            while (!IsWhole())
            {
                var count = socket.Receive(buffer.AsSpan(received));
                if (count == 0)
                    throw new SocketException((int)SocketError.ConnectionReset);
                received += count;
            }
        }
        catch (SocketException)
        {
            Dispose();
            return NoAnswer;
        }
        var head = buffer.AsSpan(0, bodyAt);
        if (head.IndexOf("\r\nConnection: close\r\n"u8) >= 0)
            Dispose();
        return int.Parse(head.Slice(StatusAt, 3), null);
    }

    public void Dispose()
    {
        socket?.Dispose();
        socket = null;
    }

    private Socket Connect()
    {
        var made = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            ReceiveTimeout = (int)Patience.TotalMilliseconds,
            SendTimeout = (int)Patience.TotalMilliseconds,
        };
        try
        {
            made.Connect(IPAddress.Loopback, port);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    private bool IsWhole()
    {
        var so = buffer.AsSpan(0, received);
        if (bodyAt == 0)
        {
            var end = so.IndexOf("\r\n\r\n"u8);
            if (end < 0)
                return false;
            bodyAt = end + 4;
        }
        var head = so[..bodyAt];
        var length = head.IndexOf("\r\nContent-Length: "u8);
        if (length >= 0)
        {
            var digits = head[(length + "\r\nContent-Length: ".Length)..];
            return received - bodyAt >= int.Parse(digits[..digits.IndexOf((byte)'\r')], null);
        }
        // Only one request is in flight, so this marks the last chunk.
        return head.IndexOf("\r\nTransfer-Encoding: chunked\r\n"u8) < 0 || so.EndsWith("\r\n0\r\n\r\n"u8);
    }
}
