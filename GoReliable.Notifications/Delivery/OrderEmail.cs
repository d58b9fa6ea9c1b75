using System.Globalization;
using GoReliable.Notifications.Messages;
using MimeKit;

namespace GoReliable.Notifications.Delivery;

/// <summary>The e-mail that a customer gets.</summary>
internal static class OrderEmail
{
    /// <exception cref="DeliveryException">The event's address is not usable.</exception>
    public static MimeMessage Write(OrderEvent @event, MailboxAddress from)
    {
        if (!Addresses.TryParse(@event.ContactEmail, out var recipient))
            throw new DeliveryException(
                "The order's contact address is not an e-mail address, or one that mail programs read differently.",
                permanent: true
            );

        var email = new MimeMessage
        {
            // The same for every attempt, so mail servers and readers can recognise a second copy.
            MessageId = $"{@event.Id}@{Addresses.AsciiDomain(from)}",
            Date = @event.Time,
            Subject = $"Order {@event.OrderId} {@event.Type.Wording}",
            Body = new TextPart("plain") { Text = Text(@event) },
        };
        // A copy: an address keeps every e-mail alive that it was added to, to tell it of changes.
        email.From.Add(from.Clone());
        email.To.Add(recipient);
        // No holiday replies, please: https://www.rfc-editor.org/rfc/rfc3834#section-5
        email.Headers.Add(HeaderId.AutoSubmitted, "auto-generated");
        return email;
    }

    private static string Text(OrderEvent @event)
    {
        var total = @event is { Total: { } amount, Currency: { } currency }
            ? string.Create(CultureInfo.InvariantCulture, $" over {amount} {currency}")
            : "";
        return $"Hello,\n\nyour order {@event.OrderId}{total} has been {@event.Type.Wording}.\n";
    }
}
