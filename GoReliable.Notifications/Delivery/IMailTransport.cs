using MimeKit;

namespace GoReliable.Notifications.Delivery;

/// <summary>The way an e-mail leaves this machine.</summary>
internal interface IMailTransport
{
    /// <summary>
    /// Whether sending waits for an external server, however long that takes: no transaction may stay open meanwhile.
    /// </summary>
    bool IsRemote { get; }

    /// <param name="id">The event's id, by which an e-mail that was already sent may be recognised.</param>
    /// <param name="email">What is sent.</param>
    /// <exception cref="DeliveryException">It was not sent, for a reason that is known.</exception>
    Task SendAsync(Guid id, MimeMessage email);
}
