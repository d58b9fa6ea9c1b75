using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace GoReliable.Tests.Notifications;

/// <summary>A mail server that takes every e-mail, but never answers when it hears of a recipient whose name begins with "slow".</summary>
internal sealed class SmtpServer : IDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<TcpClient> clients = [];
    private int hanging;

    public SmtpServer()
    {
        listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>How many deliveries wait for an answer.</summary>
    public int Hanging => Volatile.Read(ref hanging);

    public ConcurrentQueue<string> Recipients { get; } = [];

    public void Dispose()
    {
        listener.Dispose();
        foreach (var client in clients)
            client.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync();
                clients.Add(client);
                _ = TalkAsync(client);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task TalkAsync(TcpClient client)
    {
        try
        {
            using var reader = new StreamReader(client.GetStream());
            await using var writer = new StreamWriter(client.GetStream()) { AutoFlush = true, NewLine = "\r\n" };
            await writer.WriteLineAsync("220 test");
            var isText = false;
            while (await reader.ReadLineAsync() is { } line)
            {
                if (isText && line != ".")
                    continue;
                if (line.StartsWith("RCPT TO:<slow", StringComparison.OrdinalIgnoreCase))
                {
                    Interlocked.Increment(ref hanging);
                    continue;
                }
                if (line.StartsWith("RCPT", StringComparison.OrdinalIgnoreCase))
                    Recipients.Enqueue(line);
                isText = line == "DATA";
                await writer.WriteLineAsync(isText ? "354 go on" : line == "QUIT" ? "221 bye" : "250 fine");
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The worker hung up, or the test is over.
        }
    }
}
