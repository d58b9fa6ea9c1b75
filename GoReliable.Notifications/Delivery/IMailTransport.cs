using MimeKit;

namespace GoReliable.Notifications.Delivery;

/// <summary>The way an e-mail leaves this machine.</summary>
internal interface IMailTransport
{
    /// <summary>Whether somebody else's server is waited for, for as long as it likes: no transaction may stay open meanwhile.</summary>
    bool IsRemote { get; }

    /// <param name="id">The event's id: what was already sent under it may be recognised.</param>
    /// <param name="email">What is sent.</param>
    /// <exception cref="DeliveryException">It was not sent.</exception>
    Task SendAsync(Guid id, MimeMessage email);
}
