using System.ComponentModel.DataAnnotations;
using MailKit.Security;

namespace GoReliable.Notifications.Delivery;

/// <summary>How e-mail is sent, from the section <c>Email</c>.</summary>
internal sealed class EmailOptions : IValidatableObject
{
    public const string Section = "Email";

    /// <summary>Sender, as in <c>Shop &lt;orders@shop.example&gt;</c>.</summary>
    [Required]
    public string From { get; set; } = "";

    /// <summary>Folder for <c>.eml</c> files, relative to the content root. Used where no SMTP host is given.</summary>
    public string? PickupFolder { get; set; }

    public SmtpOptions Smtp { get; set; } = new();

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrWhiteSpace(Smtp.Host) && string.IsNullOrWhiteSpace(PickupFolder))
            yield return new ValidationResult(
                "No way to send e-mail: set Email:Smtp:Host to an SMTP server, or Email:PickupFolder to a folder "
                    + "for .eml files."
            );
        if (!Addresses.TryParse(From, out _))
            yield return new ValidationResult(
                $"Email:From is not an e-mail address with an ASCII name before the @: '{From}'."
            );
        if (Smtp.Port is < 1 or > 65535)
            yield return new ValidationResult($"Email:Smtp:Port is {Smtp.Port}, but must be from 1 to 65535.");
    }
}

/// <summary>The SMTP server, from <c>Email:Smtp</c>.</summary>
internal sealed class SmtpOptions
{
    public string? Host { get; set; }

    public int Port { get; set; } = 587;

    /// <summary>Without it, the worker does not log in.</summary>
    public string? User { get; set; }

    public string? Password { get; set; }

    /// <summary>Encrypted unless set otherwise: <c>None</c> is for a relay on the same machine.</summary>
    public SecureSocketOptions Security { get; set; } = SecureSocketOptions.StartTls;
}
