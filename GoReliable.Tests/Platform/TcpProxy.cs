using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace GoReliable.Tests.Platform;

/// <summary>A wire between a service and its server that can be held, cut and broken as real networks do it.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener listener;
    private readonly CancellationTokenSource disposed = new();
    private readonly ConcurrentDictionary<Wire, Task> wires = [];
    private readonly Task accepting;
    private volatile TaskCompletionSource flowing = new();
    private volatile TaskCompletionSource answering = new();
    private volatile bool isCut;

    /// <param name="port">Where clients connect to; any free one, if not given.</param>
    /// <param name="target">Where it leads, if clients connect at once.</param>
    public TcpProxy(int port = 0, DnsEndPoint? target = null)
    {
        (listener, Target) = (new(IPAddress.Loopback, port), target);
        flowing.SetResult();
        answering.SetResult();
        listener.Start();
        accepting = AcceptAsync();
    }

    /// <summary>Where clients connect to, on the loopback interface.</summary>
    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Where it leads.</summary>
    public DnsEndPoint? Target { get; set; }

    /// <summary>Holds back all data in both directions, also on new connections.</summary>
    public void Stall() => flowing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Holds back what the server sends; what clients send passes.</summary>
    public void StallAnswers() =>
        answering = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>All connections end, and new ones end at once.</summary>
    public void Cut()
    {
        isCut = true;
        foreach (var wire in wires.Keys)
            wire.Dispose();
    }

    /// <summary>Passes what waits, and new connections. What is left of forgotten connections ends.</summary>
    public void Resume()
    {
        foreach (var wire in wires.Keys.Where(wire => wire.IsForgotten))
            wire.Dispose();
        isCut = false;
        flowing.TrySetResult();
        answering.TrySetResult();
    }

    /// <summary>
    /// The server's side of every connection is gone, but the client gets no FIN or RST: it can send and receives
    /// nothing. New connections work.
    /// </summary>
    public void HalfOpen()
    {
        foreach (var wire in wires.Keys)
            wire.Vanish();
    }

    /// <summary>
    /// As with a firewall that forgets connections, or when the client's host is gone: both sides stay open and can
    /// send, but receive nothing, not even a FIN. New connections work.
    /// </summary>
    public void Forget()
    {
        foreach (var wire in wires.Keys)
            wire.IsForgotten = true;
    }

    /// <summary>Drops what the server sends on existing connections; what clients send passes.</summary>
    public void LoseAnswers()
    {
        foreach (var wire in wires.Keys)
            wire.LosesAnswers = true;
    }

    public async ValueTask DisposeAsync()
    {
        await disposed.CancelAsync();
        listener.Stop();
        flowing.TrySetResult();
        answering.TrySetResult();
        foreach (var wire in wires.Keys)
            wire.Dispose();
        await accepting;
        await Task.WhenAll(wires.Values);
        disposed.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!disposed.IsCancellationRequested)
        {
            try
            {
                var wire = new Wire(await listener.AcceptSocketAsync(disposed.Token));
                wires[wire] = Task.CompletedTask;
                wires[wire] = RunAsync(wire);
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException)
            {
                // Disposed of, or a client that left before it was accepted.
            }
        }
    }

    private async Task RunAsync(Wire wire)
    {
        try
        {
            await flowing.Task;
            if (!isCut)
                await wire.RunAsync(
                    Target!,
                    () => flowing.Task,
                    () => Task.WhenAll(flowing.Task, answering.Task),
                    disposed.Token
                );
        }
        catch (Exception exception)
            when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One end is gone: so is the wire.
        }
        finally
        {
            wire.Dispose();
            wires.TryRemove(wire, out _);
        }
    }

    private sealed class Wire(Socket client) : IDisposable
    {
        private readonly Socket server = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private volatile bool hasVanished;

        public volatile bool LosesAnswers;
        public volatile bool IsForgotten;

        public async Task RunAsync(
            DnsEndPoint target,
            Func<Task> asking,
            Func<Task> answering,
            CancellationToken cancellationToken
        )
        {
            client.NoDelay = true;
            await server.ConnectAsync(target, cancellationToken);
            var fromClient = PumpAsync(client, server, () => hasVanished || IsForgotten, asking, cancellationToken);
            var fromServer = PumpAsync(server, client, () => LosesAnswers || IsForgotten, answering, cancellationToken);
            await Task.WhenAny(fromClient, fromServer);
            // Each end gives up by itself.
            if (IsForgotten)
                await Task.WhenAll(fromClient, fromServer);
            // Nobody tells the client. It ends the wire itself, when it has waited long enough.
            if (hasVanished)
                await fromClient;
        }

        public void Vanish()
        {
            hasVanished = true;
            server.Dispose();
        }

        public void Dispose()
        {
            client.Dispose();
            server.Dispose();
        }

        // Ends with the end of the socket that it reads from, or of the one that it writes to, which it may outlive.
        private static async Task PumpAsync(
            Socket from,
            Socket to,
            Func<bool> isLost,
            Func<Task> flowing,
            CancellationToken cancellationToken
        )
        {
            var buffer = new byte[64 * 1024];
            for (int read; (read = await TryAsync(() => from.ReceiveAsync(buffer, cancellationToken))) > 0; )
            {
                await flowing();
                for (int sent = 0, more; sent < read && !isLost(); sent += more)
                {
                    more = await TryAsync(() => to.SendAsync(buffer.AsMemory(sent, read - sent), cancellationToken));
                    if (more == 0 && !isLost())
                        return;
                }
            }
        }

        private static async Task<int> TryAsync(Func<ValueTask<int>> transfer)
        {
            try
            {
                return await transfer();
            }
            catch (Exception exception)
                when (exception is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                return 0;
            }
        }
    }
}
