using System.Diagnostics.CodeAnalysis;
using MimeKit;

namespace GoReliable.Notifications.Delivery;

/// <summary>Which addresses are accepted for e-mails.</summary>
internal static class Addresses
{
    // Begins an encoded word (https://www.rfc-editor.org/rfc/rfc2047#section-2). It has no meaning within an address,
    // but mail readers decode it there all the same, into another address.
    private const string EncodedWord = "=?";

    /// <summary>Reads one address. Its domain may be international: it is written in ASCII.</summary>
    /// <returns>
    /// False when it is not an address, or could not be written so that every program reads it the same way.
    /// </returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out MailboxAddress? address) =>
        MailboxAddress.TryParse(text, out address)
        && !text!.Contains(EncodedWord, StringComparison.Ordinal)
        && address.LocalPart.All(char.IsAscii);

    /// <summary>The domain of an address, as it stands in headers.</summary>
    public static string AsciiDomain(MailboxAddress address)
    {
        var ascii = address.GetAddress(idnEncode: true);
        return ascii[(ascii.LastIndexOf('@') + 1)..];
    }
}
