using System.Net;
using System.Net.Sockets;

namespace GoReliable.Tests.Lifecycle;

/// <summary>A mail server that takes its time: it says yes to an e-mail only when it is allowed to.</summary>
internal sealed class SlowMailServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Task serving;
    private volatile TaskCompletionSource allowed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int accepted;
    private int waiting;

    public SlowMailServer()
    {
        listener.Start();
        serving = ServeAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>E-mails that it said yes to.</summary>
    public int Accepted => accepted;

    /// <summary>E-mails that it has and has not answered, those of clients that went away included.</summary>
    public int Waiting => waiting;

    /// <summary>Says yes to all, from now on.</summary>
    public void Allow() => allowed.TrySetResult();

    /// <summary>Keeps those waiting that come from now on.</summary>
    public void Forbid() => allowed = new(TaskCreationOptions.RunContinuationsAsynchronously);

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
                await writer.WriteLineAsync("220 slow.example");
                while (await reader.ReadLineAsync(stop.Token) is { } command)
                    await writer.WriteLineAsync(await AnswerAsync(command, reader, writer));
            }
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            // The client, or the test, is over.
        }
    }

    private async Task<string> AnswerAsync(string command, StreamReader reader, StreamWriter writer)
    {
        if (command != "DATA")
            return command == "QUIT" ? "221 bye" : "250 ok";

        await writer.WriteLineAsync("354 go on");
        while (await reader.ReadLineAsync(stop.Token) is not (null or "."))
        {
            // The e-mail itself is nobody's business here.
        }
        var wait = allowed.Task;
        Interlocked.Increment(ref waiting);
        await wait.WaitAsync(stop.Token);
        Interlocked.Decrement(ref waiting);
        Interlocked.Increment(ref accepted);
        return "250 taken";
    }
}
