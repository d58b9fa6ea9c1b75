using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;

namespace GoReliable.Notifications.Delivery;

/// <summary>Sends by SMTP. Connections are kept for the next e-mail; there are as many as sends at one time.</summary>
internal sealed class SmtpTransport(IOptions<EmailOptions> options, TimeProvider time) : IMailTransport, IDisposable
{
    // Servers hang up on idle clients, often after a minute, and the next e-mail would find out the hard way.
    private static readonly TimeSpan LongestIdle = TimeSpan.FromSeconds(20);

    private readonly SmtpOptions smtp = options.Value.Smtp;
    private readonly ConcurrentStack<(SmtpClient Client, long IdleSince)> idle = new();

    public bool IsRemote => true;

    public async Task SendAsync(Guid id, MimeMessage email, CancellationToken cancellationToken)
    {
        SmtpClient? client = null;
        Activity.Current?.SetTag("server.address", smtp.Host).SetTag("server.port", smtp.Port);
        try
        {
            client = await ConnectAsync(cancellationToken);
            await client.SendAsync(email, cancellationToken);
            idle.Push((client, time.GetTimestamp()));
        }
        catch (Exception exception)
        {
            client?.Dispose();
            if (Explain(exception) is not { } explained)
                throw;
            throw explained;
        }
    }

    public void Dispose()
    {
        while (idle.TryPop(out var connection))
            connection.Client.Dispose();
    }

    private async Task<SmtpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        while (idle.TryPop(out var connection))
        {
            if (connection.Client.IsConnected && time.GetElapsedTime(connection.IdleSince) < LongestIdle)
                return connection.Client;
            connection.Client.Dispose();
        }

        var client = new SmtpClient();
        try
        {
            await client.ConnectAsync(smtp.Host!, smtp.Port, smtp.Security, cancellationToken);
            if (!string.IsNullOrEmpty(smtp.User))
                await client.AuthenticateAsync(smtp.User, smtp.Password ?? "", cancellationToken);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Says what an SMTP failure means, or null where it is none.</summary>
    internal static DeliveryException? Explain(Exception exception) => exception switch
    {
        // 5xx for a mailbox or its message is that server's last word; 5xx for anything else is ours to repair.
        SmtpCommandException { ErrorCode: SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.MessageNotAccepted, StatusCode: >= (SmtpStatusCode)500 } refused =>
            new($"The mail server refused with {(int)refused.StatusCode} ({refused.ErrorCode}).", permanent: true, refused),
        SmtpCommandException failed =>
            new($"The mail server answered {(int)failed.StatusCode} ({failed.ErrorCode}).", permanent: false, failed),
        AuthenticationException or SslHandshakeException or ProtocolException or ServiceNotConnectedException
            or ServiceNotAuthenticatedException or IOException or SocketException or NotSupportedException =>
            new($"The mail server cannot be used: {exception.GetType().Name}.", permanent: false, exception),
        _ => null,
    };
}
