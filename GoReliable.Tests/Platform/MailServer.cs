using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace GoReliable.Tests.Platform;

/// <summary>An e-mail that came in.</summary>
/// <param name="Recipient">As the client wrote it.</param>
/// <param name="Event">What it is about: the part of its Message-ID before the @.</param>
internal sealed record Mail(string Recipient, Guid Event);

/// <summary>
/// A mail server that takes every e-mail and remembers it, as often as it came; it may take its time.
/// </summary>
internal sealed class MailServer : IAsyncDisposable
{
    private const string MessageId = "Message-Id: <";
    private const string Yes = "250 ok";

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task serving;
    private int connections;

    public MailServer()
    {
        listener.Start();
        serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>How many clients are connected.</summary>
    public int Connections => Volatile.Read(ref connections);

    /// <summary>Whether it takes a password, any; nobody needs one.</summary>
    public bool TakesPasswords { get; set; } = true;

    /// <summary>What it waits for before it answers to a recipient.</summary>
    public Func<string, Task> BeforeRecipient { get; set; } = _ => Task.CompletedTask;

    /// <summary>What it answers to a recipient.</summary>
    public Func<string, string> AnswerRecipient { get; set; } = _ => Yes;

    /// <summary>
    /// Runs before the server accepts a received e-mail with 250. Gets the recipient as the client wrote it.
    /// </summary>
    public Func<string, Task> BeforeYes { get; set; } = _ => Task.CompletedTask;

    /// <summary>
    /// The reply to the first command after an e-mail, before the connection is closed; empty: close without a reply;
    /// null: do not close.
    /// </summary>
    public string? Farewell { get; init; }

    /// <summary>
    /// E-mails that were received completely. They count even if the client is killed before it gets the reply.
    /// </summary>
    public ConcurrentQueue<Mail> Received { get; } = [];

    /// <summary>Takes everything at once, from now on.</summary>
    public void BehaveWell()
    {
        BeforeRecipient = BeforeYes = _ => Task.CompletedTask;
        AnswerRecipient = _ => Yes;
    }

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
        Interlocked.Increment(ref connections);
        try
        {
            using (client)
            await using (var stream = client.GetStream())
            using (var reader = new StreamReader(stream))
            await using (var writer = new StreamWriter(stream) { NewLine = "\r\n", AutoFlush = true })
            {
                await writer.WriteLineAsync("220 mail.example");
                var isDone = false;
                for (string recipient = ""; await reader.ReadLineAsync(stop.Token) is { } command; )
                {
                    if (isDone && Farewell is { } farewell)
                    {
                        await writer.WriteAsync(farewell);
                        return;
                    }
                    if (command.StartsWith("RCPT", StringComparison.OrdinalIgnoreCase))
                        await BeforeRecipient(recipient = command).WaitAsync(stop.Token);
                    if (command == "DATA")
                    {
                        await writer.WriteLineAsync("354 go on");
                        Received.Enqueue(new(recipient, await ReadEventAsync(reader)));
                        await BeforeYes(recipient).WaitAsync(stop.Token);
                        isDone = true;
                    }
                    await writer.WriteLineAsync(Answer(command));
                }
            }
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            // The client was killed, or the test is over.
        }
        finally
        {
            Interlocked.Decrement(ref connections);
        }
    }

    private string Answer(string command) =>
        command.Split(' ')[0] switch
        {
            "QUIT" => "221 bye",
            "EHLO" => "250-mail.example\r\n250 AUTH PLAIN",
            "AUTH" => TakesPasswords ? "235 welcome" : "535 wrong password",
            "RCPT" => AnswerRecipient(command),
            _ => Yes,
        };

    private async Task<Guid> ReadEventAsync(StreamReader reader)
    {
        Guid? about = null;
        while (await reader.ReadLineAsync(stop.Token) is { } line)
        {
            if (line == ".")
                return about ?? throw new InvalidDataException("An e-mail without a Message-ID.");
            if (line.StartsWith(MessageId, StringComparison.OrdinalIgnoreCase))
                about ??= Guid.Parse(line[MessageId.Length..line.IndexOf('@', StringComparison.Ordinal)]);
        }
        throw new IOException("The e-mail broke off.");
    }
}
