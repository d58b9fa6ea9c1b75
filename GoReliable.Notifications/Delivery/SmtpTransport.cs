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
internal sealed class SmtpTransport(
    IOptions<EmailOptions> options,
    IOptions<DeliveryOptions> delivery,
    TimeProvider time
) : IMailTransport, IDisposable
{
    /// <summary>
    /// From the end of the e-mail to the server's answer to it. Servers deliver and scan meanwhile, and a client that
    /// does not wait sends a second copy: https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.2.6
    /// </summary>
    internal static readonly TimeSpan LastWord = TimeSpan.FromMinutes(10);

    // Servers close idle connections, often after a minute, and the next e-mail would fail on one.
    private static readonly TimeSpan LongestIdle = TimeSpan.FromSeconds(20);

    private readonly SmtpOptions smtp = options.Value.Smtp;
    private readonly ConcurrentStack<(SmtpClient Client, long IdleSince)> idle = new();

    public bool IsRemote => true;

    public async Task SendAsync(Guid id, MimeMessage email)
    {
        Activity.Current?.SetTag("server.address", smtp.Host).SetTag("server.port", smtp.Port);
        using var limit = new CancellationTokenSource(delivery.Value.Timeout, time);
        var sending = new Sending(limit);
        SmtpClient? client = null;
        try
        {
            while ((client = TakeIdle()) is not null && !await TrySendAsync(client, email, limit, sending))
                client.Dispose();
            if (client is null)
            {
                client = await ConnectAsync(limit.Token);
                limit.CancelAfter(delivery.Value.Timeout);
                await client.SendAsync(email, limit.Token, sending);
            }
            idle.Push((client, time.GetTimestamp()));
        }
        catch (Exception exception)
        {
            client?.Dispose();
            throw Explain(exception)
                ?? (limit.IsCancellationRequested ? OutOfTime(sending, exception) : Unexpected(exception));
        }
    }

    public void Dispose()
    {
        while (idle.TryPop(out var connection))
            connection.Client.Dispose();
    }

    /// <summary>
    /// Sends on a kept connection. Returns false if the server has closed it, which it may do at any time.
    /// </summary>
    private static async Task<bool> TrySendAsync(
        SmtpClient client,
        MimeMessage email,
        CancellationTokenSource limit,
        Sending sending
    )
    {
        try
        {
            await client.SendAsync(email, limit.Token, sending);
            return true;
        }
        catch (Exception exception) when (!sending.Begun && IsEnd(exception))
        {
            return false;
        }
    }

    private static bool IsEnd(Exception exception) =>
        exception
            is SmtpCommandException { StatusCode: SmtpStatusCode.ServiceNotAvailable }
                or SmtpProtocolException
                or ServiceNotConnectedException
                or IOException
                or SocketException;

    private SmtpClient? TakeIdle()
    {
        while (idle.TryPop(out var connection))
        {
            if (connection.Client.IsConnected && time.GetElapsedTime(connection.IdleSince) < LongestIdle)
                return connection.Client;
            connection.Client.Dispose();
        }
        return null;
    }

    private async Task<SmtpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        // The client library has a limit of its own for a read. It must be longer than ours.
        var client = new SmtpClient { Timeout = (int)(2 * LastWord).TotalMilliseconds };
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

    private DeliveryException OutOfTime(Sending sending, Exception exception) =>
        new(
            sending.Complete
                ? $"The mail server took the e-mail and said nothing about it for {LastWord}."
                : $"Not delivered within {delivery.Value.Timeout}.",
            permanent: false,
            exception
        );

    private static DeliveryException Unexpected(Exception exception) =>
        new($"Unexpected {exception.GetType().Name}.", permanent: false, exception);

    /// <summary>Says what an SMTP failure means, or null where it is none.</summary>
    internal static DeliveryException? Explain(Exception exception) =>
        exception switch
        {
            // 5xx for a mailbox or its message is final. 5xx for anything else is ours to repair.
            SmtpCommandException
            {
                ErrorCode: SmtpErrorCode.RecipientNotAccepted or SmtpErrorCode.MessageNotAccepted,
                StatusCode: >= (SmtpStatusCode)500
            } refused => new(
                $"The mail server refused with {(int)refused.StatusCode} ({refused.ErrorCode}).",
                permanent: true,
                refused
            ),
            SmtpCommandException failed => new(
                $"The mail server answered {(int)failed.StatusCode} ({failed.ErrorCode}).",
                permanent: false,
                failed
            ),
            AuthenticationException
            or SslHandshakeException
            or ProtocolException
            or ServiceNotConnectedException
            or ServiceNotAuthenticatedException
            or IOException
            or SocketException
            or NotSupportedException => new(
                $"The mail server cannot be used: {exception.GetType().Name}.",
                permanent: false,
                exception
            ),
            _ => null,
        };

    /// <summary>Learns how much of an e-mail was sent, and gives the server more time once all of it was.</summary>
    private sealed class Sending(CancellationTokenSource limit) : ITransferProgress
    {
        public bool Begun { get; private set; }

        public bool Complete { get; private set; }

        public void Report(long bytesTransferred, long totalSize)
        {
            Begun = true;
            if (Complete || bytesTransferred < totalSize)
                return;
            Complete = true;
            limit.CancelAfter(LastWord);
        }

        public void Report(long bytesTransferred) => Begun = true;
    }
}
