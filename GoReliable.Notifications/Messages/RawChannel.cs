using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace GoReliable.Notifications.Messages;

/// <summary>
/// Takes messages as bytes, on a connection of its own. The client library decodes what arrives, and ends the
/// connection when it cannot. So code that has to get past such a message must not decode it. Frames and methods are
/// those of https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf (2.3.5, 4.2).
/// </summary>
internal sealed class RawChannel : IAsyncDisposable
{
    private const byte MethodFrame = 1;
    private const byte HeaderFrame = 2;
    private const byte FrameEnd = 0xCE;
    private const int BodySizeOffset = 4;
    private const int PropertiesOffset = 12;

    // Class and method.
    private const uint ConnectionStart = 10 << 16 | 10;
    private const uint ConnectionStartOk = 10 << 16 | 11;
    private const uint ConnectionTune = 10 << 16 | 30;
    private const uint ConnectionTuneOk = 10 << 16 | 31;
    private const uint ConnectionOpen = 10 << 16 | 40;
    private const uint ConnectionOpenOk = 10 << 16 | 41;
    private const uint ConnectionClose = 10 << 16 | 50;
    private const uint ChannelOpen = 20 << 16 | 10;
    private const uint ChannelOpenOk = 20 << 16 | 11;
    private const uint ChannelClose = 20 << 16 | 40;
    private const uint BasicGet = 60 << 16 | 70;
    private const uint BasicGetOk = 60 << 16 | 71;
    private const uint BasicGetEmpty = 60 << 16 | 72;
    private const uint BasicAck = 60 << 16 | 80;

    // The channel is used only for moments, so it sends no heartbeats, and no wait is longer than this: neither for the
    // whole of the opening nor for a frame.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly TcpClient client;
    private readonly Stream stream;

    private RawChannel(TcpClient client, Stream stream) => (this.client, this.stream) = (client, stream);

    /// <exception cref="OperationInterruptedException">The broker refuses.</exception>
    /// <exception cref="IOException">It cannot be reached.</exception>
    /// <exception cref="OperationCanceledException">It does not answer within ten seconds.</exception>
    public static async Task<RawChannel> OpenAsync(
        ConnectionFactory server,
        TimeProvider time,
        CancellationToken cancellationToken
    )
    {
        using var timeout = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        var client = new TcpClient { NoDelay = true };
        try
        {
            await client.ConnectAsync(server.Endpoint.HostName, server.Endpoint.Port, either.Token);
            Stream stream = client.GetStream();
            if (server.Ssl is { Enabled: true } tls)
            {
                var secured = new SslStream(stream);
                await secured.AuthenticateAsClientAsync(Options(tls), either.Token);
                stream = secured;
            }
            var channel = new RawChannel(client, stream);
            await channel.BeginAsync(server, either.Token);
            return channel;
        }
        catch (Exception exception)
        {
            client.Dispose();
            throw exception is SocketException ? new IOException(exception.Message, exception) : exception;
        }
    }

    private static SslClientAuthenticationOptions Options(SslOption tls) =>
        new()
        {
            TargetHost = tls.ServerName,
            ClientCertificates = tls.Certs,
            EnabledSslProtocols = tls.Version,
            CertificateRevocationCheckMode = tls.CheckCertificateRevocation
                ? X509RevocationMode.Online
                : X509RevocationMode.NoCheck,
            RemoteCertificateValidationCallback = tls.CertificateValidationCallback,
            LocalCertificateSelectionCallback = tls.CertificateSelectionCallback,
        };

    private async Task BeginAsync(ConnectionFactory server, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(
            new byte[] { (byte)'A', (byte)'M', (byte)'Q', (byte)'P', 0, 0, 9, 1 },
            cancellationToken
        );
        await ExpectAsync(cancellationToken, ConnectionStart);
        await SendAsync(
            0,
            ConnectionStartOk,
            [
                .. LongString([]),
                .. ShortString("PLAIN"),
                .. LongString(Encoding.UTF8.GetBytes($"\0{server.UserName}\0{server.Password}")),
                .. ShortString("en_US"),
            ],
            cancellationToken
        );

        // Channels and size of a frame as the broker wants it; no heartbeats.
        var tune = await ExpectAsync(cancellationToken, ConnectionTune);
        await SendAsync(0, ConnectionTuneOk, [.. tune.Arguments[..6], 0, 0], cancellationToken);
        await SendAsync(
            0,
            ConnectionOpen,
            [.. ShortString(server.VirtualHost), .. ShortString(""), 0],
            cancellationToken
        );
        await ExpectAsync(cancellationToken, ConnectionOpenOk);
        await SendAsync(1, ChannelOpen, ShortString(""), cancellationToken);
        await ExpectAsync(cancellationToken, ChannelOpenOk);
    }

    /// <summary>Takes the next message. It goes back when the channel ends, unless it was acknowledged.</summary>
    /// <returns>Null where the queue is empty.</returns>
    public async Task<RawMessage?> GetAsync(string queue, CancellationToken cancellationToken)
    {
        await SendAsync(1, BasicGet, [0, 0, .. ShortString(queue), 0], cancellationToken);
        var (method, arguments) = await ExpectAsync(cancellationToken, BasicGetOk, BasicGetEmpty);
        if (method == BasicGetEmpty)
            return null;
        var tag = BinaryPrimitives.ReadUInt64BigEndian(arguments);
        var exchange = ReadShortString(arguments, 9);
        var key = ReadShortString(arguments, 10 + arguments[9]);

        var (type, header) = await ReadFrameAsync(cancellationToken);
        if (type != HeaderFrame)
            throw new IOException($"Frame of type {type} where a message's header should be.");
        var body = new byte[BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(BodySizeOffset))];
        for (var read = 0; read < body.Length; )
        {
            var (_, part) = await ReadFrameAsync(cancellationToken);
            part.CopyTo(body, read);
            read += part.Length;
        }
        return new RawMessage(tag, arguments[8] != 0, exchange, key, header[PropertiesOffset..], body);
    }

    /// <summary>Acknowledges a message; with <paramref name="multiple"/>, all before it as well.</summary>
    public Task AcknowledgeAsync(ulong tag, bool multiple, CancellationToken cancellationToken)
    {
        var number = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(number, tag);
        return SendAsync(1, BasicAck, [.. number, multiple ? (byte)1 : (byte)0], cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            // Does not wait for the answer. The broker reads what was sent before this first.
            await SendAsync(0, ConnectionClose, [0, 200, .. ShortString(""), 0, 0, 0, 0], CancellationToken.None);
        }
        catch (Exception exception)
            when (exception is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // It is over anyway.
        }
        await stream.DisposeAsync();
        client.Dispose();
    }

    private async Task<(uint Method, byte[] Arguments)> ExpectAsync(
        CancellationToken cancellationToken,
        params uint[] expected
    )
    {
        var (type, payload) = await ReadFrameAsync(cancellationToken);
        var method = type == MethodFrame ? BinaryPrimitives.ReadUInt32BigEndian(payload) : 0;
        var arguments = payload.AsSpan(4).ToArray();
        if (method is ConnectionClose or ChannelClose)
            throw new OperationInterruptedException(
                new ShutdownEventArgs(
                    ShutdownInitiator.Peer,
                    BinaryPrimitives.ReadUInt16BigEndian(arguments),
                    ReadShortString(arguments, 2)
                )
            );
        if (!expected.Contains(method))
            throw new IOException($"The broker answered with method {method >> 16}.{method & 0xFFFF}.");
        return (method, arguments);
    }

    private async Task<(byte Type, byte[] Payload)> ReadFrameAsync(CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Timeout);
        var head = new byte[7];
        await stream.ReadExactlyAsync(head, timeout.Token);
        var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(3)) + 1];
        await stream.ReadExactlyAsync(payload, timeout.Token);
        return (head[0], payload[^1] == FrameEnd ? payload[..^1] : throw new IOException("A frame without an end."));
    }

    private async Task SendAsync(byte channel, uint method, byte[] arguments, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Timeout);
        byte[] frame =
        [
            MethodFrame,
            0,
            channel,
            .. Number((uint)arguments.Length + 4),
            .. Number(method),
            .. arguments,
            FrameEnd,
        ];
        await stream.WriteAsync(frame, timeout.Token);
    }

    private static string ReadShortString(byte[] bytes, int offset) =>
        Encoding.UTF8.GetString(bytes, offset + 1, bytes[offset]);

    private static byte[] ShortString(string text) =>
        [(byte)Encoding.UTF8.GetByteCount(text), .. Encoding.UTF8.GetBytes(text)];

    private static byte[] LongString(byte[] bytes) => [.. Number((uint)bytes.Length), .. bytes];

    private static byte[] Number(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}
