using System.Diagnostics;
using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.Options;
using MimeKit;

namespace GoReliable.Notifications.Delivery;

/// <summary>Sends by SMTP. Connections are kept for the next e-mail, one for each that is sent at one time.</summary>
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
    internal static readonly TimeSpan FinalAnswerTimeout = TimeSpan.FromMinutes(10);

    // Servers close idle connections, often after a minute, and the next e-mail would fail on one.
    private static readonly TimeSpan MaxIdle = TimeSpan.FromSeconds(20);

    private readonly SmtpOptions smtp = options.Value.Smtp;

    // The last one is taken first, so that those that a burst left behind become too old, and are closed.
    private readonly LinkedList<(SmtpClient Client, long IdleSince)> idle = [];
    private readonly Lock idleLock = new();

    public bool IsRemote => true;

    public async Task SendAsync(Guid id, MimeMessage email)
    {
        Activity.Current?.SetTag("server.address", smtp.Host).SetTag("server.port", smtp.Port);
        using var timeout = new CancellationTokenSource(delivery.Value.Timeout, time);
        var progress = new TransferProgress(timeout);
        SmtpClient? client = null;
        try
        {
            while ((client = TakeIdle()) is not null && !await TrySendAsync(client, email, timeout, progress))
                client.Dispose();
            if (client is null)
            {
                client = await ConnectAsync(timeout.Token);
                timeout.CancelAfter(delivery.Value.Timeout);
                await client.SendAsync(email, timeout.Token, progress);
            }
            Keep(client);
        }
        catch (Exception exception)
        {
            client?.Dispose();
            if (Explain(exception) is { } known)
                throw known;
            if (timeout.IsCancellationRequested)
                throw TimedOut(progress, exception);
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var (client, _) in idle)
            client.Dispose();
    }

    /// <summary>
    /// Sends on a kept connection. Returns false if the server has closed it, which it may do at any time.
    /// </summary>
    private static async Task<bool> TrySendAsync(
        SmtpClient client,
        MimeMessage email,
        CancellationTokenSource timeout,
        TransferProgress progress
    )
    {
        try
        {
            await client.SendAsync(email, timeout.Token, progress);
            return true;
        }
        catch (Exception exception) when (!progress.HasStarted && IsConnectionLost(exception))
        {
            return false;
        }
    }

    private static bool IsConnectionLost(Exception exception) =>
        exception
            is SmtpCommandException { StatusCode: SmtpStatusCode.ServiceNotAvailable }
                or SmtpProtocolException
                or ServiceNotConnectedException
                or IOException
                or SocketException;

    private SmtpClient? TakeIdle()
    {
        lock (idleLock)
        {
            while (idle.Last is { Value: var (client, since) })
            {
                idle.RemoveLast();
                if (client.IsConnected && time.GetElapsedTime(since) < MaxIdle)
                    return client;
                client.Dispose();
            }
        }
        return null;
    }

    private void Keep(SmtpClient client)
    {
        lock (idleLock)
        {
            idle.AddLast((client, time.GetTimestamp()));
            while (idle.First is { Value: var (oldest, since) } && time.GetElapsedTime(since) >= MaxIdle)
            {
                idle.RemoveFirst();
                oldest.Dispose();
            }
        }
    }

    private async Task<SmtpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        // The client library has a timeout of its own for a read. It must be longer than ours.
        var client = new SmtpClient { Timeout = (int)(2 * FinalAnswerTimeout).TotalMilliseconds };
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

    private DeliveryException TimedOut(TransferProgress progress, Exception exception) =>
        progress.IsComplete
            ? new(
                $"The mail server took the e-mail but did not answer within {FinalAnswerTimeout}.",
                permanent: false,
                exception
            )
            : DeliveryException.TooLate(delivery.Value.Timeout, exception);

    /// <summary>Says what an SMTP failure means, or null where it is none.</summary>
    internal static DeliveryException? Explain(Exception exception) =>
        exception switch
        {
            // 5xx for a mailbox or a message is permanent. Any other 5xx, such as a failed login, can be repaired.
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
    private sealed class TransferProgress(CancellationTokenSource timeout) : ITransferProgress
    {
        public bool HasStarted { get; private set; }

        public bool IsComplete { get; private set; }

        public void Report(long bytesTransferred, long totalSize)
        {
            HasStarted = true;
            if (IsComplete || bytesTransferred < totalSize)
                return;
            IsComplete = true;
            timeout.CancelAfter(FinalAnswerTimeout);
        }

        public void Report(long bytesTransferred) => HasStarted = true;
    }
}
