using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace GoReliable.Tests.Faults;

/// <summary>A mail server that takes every e-mail and remembers its Message-ID, as often as it came.</summary>
internal sealed class MailServer : IAsyncDisposable
{
    private const string MessageId = "Message-Id: <";

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task serving;

    public MailServer()
    {
        listener.Start();
        serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Events that e-mails came about: the part of their Message-ID before the @.</summary>
    public ConcurrentQueue<Guid> Received { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await serving;
        stop.Dispose();
    }

    private async Task ServeAsync()
    {
        var talks = new List<Task>();
        try
        {
            while (true)
                talks.Add(TalkAsync(await listener.AcceptTcpClientAsync(stop.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(talks);
        }
    }

    private async Task TalkAsync(TcpClient client)
    {
        try
        {
            using (client)
            await using (var stream = client.GetStream())
            using (var reader = new StreamReader(stream))
            await using (var writer = new StreamWriter(stream) { NewLine = "\r\n", AutoFlush = true })
            {
                await writer.WriteLineAsync("220 mail.example");
                while (await reader.ReadLineAsync(stop.Token) is { } command)
                {
                    if (command == "DATA")
                        await TakeAsync(reader, writer);
                    await writer.WriteLineAsync(command == "QUIT" ? "221 bye" : "250 ok");
                }
            }
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            // The client was killed, or the test is over.
        }
    }

    // Counted when it has come to its end, as servers do: whoever is killed before the answer has sent it all the same.
    private async Task TakeAsync(StreamReader reader, StreamWriter writer)
    {
        await writer.WriteLineAsync("354 go on");
        Guid? about = null;
        while (await reader.ReadLineAsync(stop.Token) is { } line)
        {
            if (line == ".")
            {
                Received.Enqueue(about ?? throw new InvalidDataException("An e-mail without a Message-ID."));
                return;
            }
            if (line.StartsWith(MessageId, StringComparison.OrdinalIgnoreCase))
                about ??= Guid.Parse(line[MessageId.Length..line.IndexOf('@', StringComparison.Ordinal)]);
        }
    }
}
